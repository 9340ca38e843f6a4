"""New connections begin a few in each turn of the reactor, and addresses take turns."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from pkid.vestibule import Vestibule
from tests.support import Case

ADDRESS = IPv4Address("TCP", "192.0.2.1", 1)


class Inner(Protocol):
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: object = connectionDone) -> None:
        self.lost = True


class Socket(StringTransport):
    """Hands what comes to whoever its protocol is at that moment, as sockets do."""

    protocol: Protocol

    def receive(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def lose(self) -> None:
        self.protocol.connectionLost(connectionDone)


class VestibuleTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.inner: list[Inner] = []
        factory = Factory[Inner]()
        factory.buildProtocol = self.build  # type: ignore[method-assign,assignment]
        self.vestibule = Vestibule(factory, self.clock, most=20)

    def build(self, address: object) -> Inner:
        self.inner.append(Inner())
        return self.inner[-1]

    def connect(self, host: str = "192.0.2.1") -> Socket:
        newcomer = self.vestibule.buildProtocol(IPv4Address("TCP", host, 1))
        assert newcomer is not None
        socket = Socket()
        socket.protocol = newcomer
        newcomer.makeConnection(socket)
        return socket

    def turn(self) -> None:
        """Let one turn of the reactor pass: what is put off in it waits for the next, as with a real one."""
        calls, self.clock.calls = self.clock.calls, []
        for call in calls:
            call.func()

    def break_down(self, data: bytes) -> None:
        raise RuntimeError("a protocol that cannot")

    def begun(self) -> list[int]:
        return [number for number, inner in enumerate(self.inner) if inner.heard]

    def test_the_protocol_behind_is_connected_at_once(self) -> None:
        socket = self.connect()
        self.assertIs(self.inner[0].transport, socket)

    def test_who_waits_behind_one_that_fails_begins_all_the_same(self) -> None:
        sockets = [self.connect() for _ in range(8)]
        self.inner[4].dataReceived = self.break_down  # type: ignore[method-assign]
        for socket in sockets:
            socket.receive(b"hello")
        self.assertRaises(RuntimeError, self.turn)
        self.turn()
        self.assertEqual(self.begun(), [0, 1, 2, 3, 5, 6, 7])

    def test_one_alone_does_not_wait(self) -> None:
        socket = self.connect()
        socket.receive(b"hello")
        self.assertIs(socket.protocol, self.inner[0])
        socket.receive(b" again")
        self.assertEqual(self.inner[0].heard, b"hello again")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_those_who_come_one_by_one_ask_the_reactor_for_nothing(self) -> None:
        for number in range(10):
            self.connect().receive(b"hello")
            self.clock.rightNow += 0.003
            self.assertEqual(len(self.begun()), number + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_turn_that_takes_long_begins_no_more_than_others(self) -> None:
        for _ in range(10):
            self.connect().receive(b"hello")
        self.clock.rightNow += 1
        self.connect().receive(b"hello")
        self.assertEqual(self.begun(), [0, 1, 2, 3])

    def test_each_turn_a_few_begin_in_their_order(self) -> None:
        for socket in [self.connect() for _ in range(10)]:
            socket.receive(b"hello")
        self.assertEqual(self.begun(), [0, 1, 2, 3])
        self.turn()
        self.assertEqual(self.begun(), list(range(8)))
        self.turn()
        self.assertEqual(self.begun(), list(range(10)))
        self.turn()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_says_nothing_takes_no_place(self) -> None:
        for _ in range(10):
            self.connect()
        self.connect().receive(b"hello")
        self.assertEqual(self.begun(), [10])

    def test_addresses_take_turns(self) -> None:
        for socket in [self.connect("192.0.2.1") for _ in range(12)]:
            socket.receive(b"hello")
        self.connect("192.0.2.2").receive(b"hello")
        self.turn()
        self.assertIn(12, self.begun())

    def test_who_left_is_passed_over(self) -> None:
        sockets = [self.connect() for _ in range(9)]
        for socket in sockets:
            socket.receive(b"hello")
        sockets[5].lose()
        self.assertTrue(self.inner[5].lost)
        self.turn()
        self.assertEqual(self.begun(), [0, 1, 2, 3, 4, 6, 7, 8])

    def test_what_came_while_it_waited_is_kept_within_bounds(self) -> None:
        sockets = [self.connect() for _ in range(5)]
        for socket in sockets:
            socket.receive(b"hello")
        for _ in range(3):
            sockets[4].receive(b"x" * 8192)
        self.assertEqual(sockets[4].producerState, "paused")
        self.turn()
        self.assertEqual(sockets[4].producerState, "producing")
        self.assertEqual(len(self.inner[4].heard), 5 + 3 * 8192)

    def test_beyond_all_bounds_the_address_with_the_most_loses_its_last(self) -> None:
        crowd = [self.connect("192.0.2.1") for _ in range(24)]
        for socket in crowd:
            socket.receive(b"hello")
        single = self.connect("192.0.2.2")
        single.receive(b"hello")
        self.assertEqual([crowd[23].disconnected, single.disconnected], [True, False])
        another = self.connect("192.0.2.1")
        another.receive(b"hello")
        self.assertTrue(another.disconnected)

    def test_the_factory_behind_is_started_and_stopped_with_it(self) -> None:
        self.vestibule.doStart()
        self.assertEqual(self.vestibule.behind.numPorts, 1)
        self.vestibule.doStop()
        self.assertEqual(self.vestibule.behind.numPorts, 0)

    def test_a_factory_that_refuses_is_obeyed(self) -> None:
        self.vestibule.behind.buildProtocol = lambda addr: None  # type: ignore[method-assign]
        self.assertIsNone(self.vestibule.buildProtocol(ADDRESS))
