"""How many connections a peer has, and how all of them end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.support import Case
from tests.web.memory import Connection, Door, request

PING = request("GET", "/system/ping")
READY = request("GET", "/system/ready")


class FinishTests(Case):
    def setUp(self) -> None:
        self.door = Door()
        self.gone: Deferred[None] | None = None

    def finish(self, patience: float = 25) -> None:
        self.gone = self.door.site.finish(patience)

    @property
    def is_over(self) -> bool:
        assert self.gone is not None
        return bool(self.gone.called)

    def end(self, *connections: Connection) -> None:
        """Let connections end, and check that nothing is left."""
        for connection in connections:
            connection.leave()
        assert self.gone is not None
        self.successResultOf(self.gone)
        self.assertEqual((self.door.site.channels, self.door.clock.getDelayedCalls()), (set(), []))

    def test_nothing_to_finish(self) -> None:
        self.finish()
        self.end()

    def test_idle_connections_are_closed_at_once(self) -> None:
        fresh, used = self.door.connect(), self.door.connect()
        used.send(PING)
        self.finish()
        self.assertTrue(fresh.wire.disconnecting and used.wire.disconnecting)
        self.assertFalse(self.is_over)
        self.end(fresh, used)

    def test_idle_peers_that_do_not_take_leave_are_cut_soon(self) -> None:
        idle = self.door.connect()
        self.finish()
        self.door.clock.advance(1)
        self.assertTrue(idle.wire.aborted)
        self.end(idle)

    def test_an_answer_that_is_due_is_given(self) -> None:
        self.door.store.hold()
        client = self.door.connect()
        client.send(READY + PING)
        self.finish()
        self.door.clock.advance(20)
        self.assertFalse(client.wire.disconnecting or client.wire.aborted)
        self.door.store.release()
        self.assertEqual(client.statuses, [200])
        self.assertIn(b"\r\nConnection: close\r\n", client.received)
        self.assertTrue(client.wire.disconnecting)
        self.end(client)

    def test_a_request_that_is_half_there_is_answered_and_is_the_last(self) -> None:
        for cut in (5, len(PING) - 2):
            client = self.door.connect()
            client.send(PING[:cut])
            self.finish()
            client.send(PING[cut:], PING)
            if client.statuses:
                self.assertEqual(client.statuses, [200])
                self.assertIn(b"\r\nConnection: close\r\n", client.received)
            self.assertTrue(client.wire.disconnecting)
            self.end(client)

    def test_what_is_stuck_is_cut(self) -> None:
        self.door.store.hold()
        client = self.door.connect()
        client.send(READY)
        self.finish(25)
        self.door.clock.advance(24)
        self.assertFalse(client.wire.aborted)
        self.door.clock.advance(1)
        self.assertTrue(client.wire.aborted)
        self.end(client)

    def test_a_refused_connection_is_waited_for_until_its_cut(self) -> None:
        client = self.door.connect()
        client.send(b"nonsense\r\n")
        self.finish()
        self.assertFalse(self.is_over)
        self.door.clock.advance(1)
        self.assertTrue(client.wire.aborted)
        self.end(client)


class PeerTests(Case):
    def setUp(self) -> None:
        self.door = Door(most_per_peer=2)

    def cut(self, *hosts: str) -> list[Any]:
        """Tell which of these connections were cut at once."""
        return [self.door.connect(host).wire.aborted for host in hosts]

    def test_one_too_many_is_cut_and_others_are_served(self) -> None:
        self.assertEqual(self.cut(*["192.0.2.1"] * 3, "192.0.2.2"), [False, False, True, False])

    def test_a_network_of_ipv6_is_one_peer(self) -> None:
        self.assertEqual(self.cut("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"), [0, 0, 1, 0])

    def test_who_left_does_not_count(self) -> None:
        first, _, third = (self.door.connect() for _ in range(3))
        self.assertTrue(third.wire.aborted)
        third.send(PING)
        self.assertEqual(third.received, b"")
        third.leave()
        self.assertEqual(self.cut("192.0.2.1"), [True])
        first.leave()
        for channel in list(self.door.site.channels)[:1]:
            Connection(channel, first.wire).leave()
        self.assertEqual(self.cut("192.0.2.1"), [False])
