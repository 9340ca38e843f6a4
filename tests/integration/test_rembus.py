"""The Rembus doors of a real daemon: plain streams with TLS and without, proofs, and what one client costs another."""

from __future__ import annotations

import statistics
from time import monotonic

from pkid.broker.message import QoS
from pkid.rembus.packets import Ack, Publication, Request, Response
from tests.daemon import start_daemon
from tests.integration.components import ANY_PORT, NONE, Component
from tests.support import Case


class PlainDoorTests(Case):
    def test_streams_with_tls_and_without_lead_to_the_same_broker(self) -> None:
        daemon = start_daemon(self, "--rembus-tls", ANY_PORT, "--rembus-tcp", ANY_PORT)
        subscriber = Component(self, daemon, "rembus-tls", "subscriber")
        publisher = Component(self, daemon, "rembus-tcp")
        self.assertEqual(subscriber.set_up(subscribers=("t",)), 0)
        self.assertEqual(publisher.ask(Publication(7, "t", NONE, QoS.AT_LEAST_ONCE)), Ack(7))
        got = subscriber.hear()
        assert isinstance(got, Publication)
        self.assertIn("the rembus-tcp door has no encryption", daemon.output)
        self.assertNotIn("the rembus-tls door has no", daemon.output)
        self.assertEqual((got.topic, got.data, got.qos), ("t", NONE, QoS.AT_LEAST_ONCE))
        subscriber.send(Ack(got.id))

    def test_only_what_was_asked_for_is_open(self) -> None:
        daemon = start_daemon(self)
        self.assertTrue(daemon.address("rembus-wss"))
        for door in ("rembus-ws", "rembus-tls", "rembus-tcp"):
            self.assertRaises(LookupError, daemon.address, door)


class BystanderTests(Case):
    """Subscribers that never answer cost the others nothing."""

    def test_calls_go_on_while_some_never_acknowledge_and_others_are_gone(self) -> None:
        daemon = start_daemon(self, "--rembus-tcp", ANY_PORT, "--retain", "load")
        silent = Component(self, daemon, "rembus-tcp", "silent")
        silent.set_up(subscribers=("load",))
        gone = Component(self, daemon, "rembus-tcp", "gone")
        gone.set_up(subscribers=("load",))
        gone.socket.close()
        publisher, caller = Component(self, daemon, "rembus-tcp"), Component(self, daemon, "rembus-tcp")
        times = []
        for number in range(300):
            sent = Publication(number, "load", NONE, QoS.EXACTLY_ONCE if number % 2 else QoS.AT_LEAST_ONCE)
            self.assertEqual(publisher.ask(sent), Ack(number))
            begin = monotonic()
            answer = caller.ask(Request(number, "rid", None, NONE))
            times.append(monotonic() - begin)
            assert isinstance(answer, Response)
            self.assertEqual((answer.id, answer.status), (number, 0))
        print(f"a bystander's calls: p99 {1e3 * statistics.quantiles(times, n=100)[98]:.1f} ms")
