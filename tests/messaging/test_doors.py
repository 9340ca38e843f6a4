"""Clients of different doors, on the same topics, under the same rights."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from weakref import ref

import cbor2
from twisted.internet.protocol import connectionDone
from wsproto.events import TextMessage

from pkid.broker.changes import Authorize, PrivateTopic
from pkid.broker.commands import Subscribe
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.topic import Pattern
from pkid.errors import Reason, Unavailable
from pkid.line import events
from pkid.line.codec import EventReader
from pkid.line.dialect import Lines
from pkid.line.factory import LineFactory
from pkid.messaging.rates import Rates
from pkid.messaging.terms import Terms
from pkid.rembus.cbor import CBOR
from pkid.rembus.dialects import CborDialect
from pkid.rembus.factory import Framing, RembusFactory
from pkid.rembus.frames import frame
from pkid.rembus.packets import Admin, Identity, Publication, Request, Response
from tests.line.test_protocol import Wire
from tests.messaging.core import Core, publish
from tests.rembus.peers import PlainPeer, WebSocketPeer
from tests.support import Case


class LinePeer:
    """A client of the line door."""

    def __init__(self, core: Core) -> None:
        self.clock = core.clock
        self.wire = Wire()
        self.protocol = LineFactory(core.service, core.clock).buildProtocol(None)
        self.protocol.makeConnection(self.wire)
        self.reader = EventReader()
        self.hear()

    def say(self, line: str) -> list[events.Event]:
        """Send a line and return what comes back."""
        self.protocol.dataReceived(f"{line}\n".encode())
        return self.hear()

    def hear(self) -> list[events.Event]:
        """Return what came since the last time."""
        self.clock.advance(0)
        self.reader.feed(self.wire.value())
        self.wire.clear()
        return list(iter(self.reader.read, None))


def cbor(value: object) -> Payload:
    return Payload(PayloadKind.CBOR, cbor2.dumps(value))


def fail(*_: object) -> bytes:
    raise RuntimeError("broken")


def rpc(id: int, method: str, params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


class DoorsTests(Case):
    """One speaks lines, one CBOR, one JSON-RPC."""

    def setUp(self) -> None:
        self.serve()

    def serve(self, terms: Terms | None = None) -> None:
        """Begin anew, with a client of each kind."""
        self.core = core = Core(terms)
        self.lines = LinePeer(core)
        self.cbor = PlainPeer(RembusFactory(core.service, core.clock, "rembus-tcp", Framing.PLAIN), core.clock)
        self.json = WebSocketPeer(RembusFactory(core.service, core.clock, "rembus-ws", Framing.WEBSOCKET), core.clock)
        self.json.open()

    def subscribe(self) -> None:
        self.lines.say("SUBSCRIBE t")
        self.cbor.say(Admin(1, "t", {"cmd": "setup", "exposers": [], "subscribers": ["t"]}))
        self.json.say_text(rpc(1, "t", {"type": 3, "data": {"cmd": "setup", "subscribers": ["t"]}}))

    def test_a_connection_that_is_over_is_freed_at_once(self) -> None:
        """Not when Python looks for garbage: until then it would hold its transport, and all that TLS knows of it."""
        gc.disable()
        self.addCleanup(gc.enable)
        self.subscribe()
        for name in ("lines", "cbor", "json"):
            protocol = getattr(self, name).protocol
            protocol.connectionLost(connectionDone)
            self.core.clock.advance(0)
            delattr(self, name)
            remains = ref(protocol)
            del protocol
            self.assertIsNone(remains(), name)

    def leaving(self) -> Iterator[tuple[str, Any]]:
        """Let one of each door say its name and something behind it, and leave before it is answered."""
        spoken = Identity(1, "alice"), Publication(0, "t", cbor(["cbor"]))
        for name in ("lines", "cbor"):
            self.serve()
            self.json.say_text(rpc(1, "t", {"type": 3, "data": {"cmd": "setup", "subscribers": ["t"]}}))
            self.json.hear()
            self.core.keys.slow = True
            protocol = getattr(self, name).protocol
            if name == "lines":
                self.lines.say("LOGIN alice\nPUBLISH t lines")
            else:
                self.cbor.say(*spoken)
            protocol.connectionLost(connectionDone)
            self.core.clock.advance(0)
            self.assertEqual(self.json.hear(), [])
            yield name, protocol

    def is_gone(self, protocol: Any) -> None:
        """Check that nothing waits any more, for the connection and in the broker."""
        self.core.clock.advance(0)
        self.assertIsNone(protocol._session)
        self.assertEqual({state for _, state in self.core.service.states()} - {"greeted", "open"}, set())

    def test_what_came_behind_a_login_is_done_though_the_client_left_before_the_answer(self) -> None:
        for name, protocol in self.leaving():
            (waiting,) = self.core.keys.waiting
            waiting.callback(None)
            self.core.clock.advance(0)
            self.core.clock.advance(0)
            self.assertEqual([json.loads(text)["params"] for text in self.json.hear()], [[name]])
            self.is_gone(protocol)

    def test_behind_a_login_that_fails_nothing_is_done(self) -> None:
        for _, protocol in self.leaving():
            self.core.keys.error = Unavailable(Reason.STORE)
            (waiting,) = self.core.keys.waiting
            waiting.callback(None)
            self.core.clock.advance(0)
            self.assertEqual(self.json.hear(), [])
            self.is_gone(protocol)

    def test_a_login_that_is_never_answered_ends_in_time_for_who_left_too(self) -> None:
        for _, protocol in self.leaving():
            self.core.clock.advance(61)
            self.assertEqual(self.json.hear(), [])
            self.is_gone(protocol)

    def test_what_one_publishes_the_others_understand(self) -> None:
        self.subscribe()
        self.cbor.say(Publication(0, "t", cbor(["a", 1, b"\xff"])))
        (line,) = self.lines.hear()
        assert isinstance(line, events.Delivered)
        self.assertEqual((line.topic, line.payload), ("t", cbor(["a", 1, b"\xff"])))
        self.assertEqual([json.loads(text)["params"] for text in self.json.hear()], [["a", 1, "/w=="]])
        self.json.say_text('{"jsonrpc":"2.0","method":"t","params":[{"b":null},2.5]}')
        self.assertEqual(self.cbor.hear(), [Publication(0, "t", cbor([{"b": None}, 2.5]))])
        (line,) = self.lines.hear()
        assert isinstance(line, events.Delivered)
        self.assertEqual(line.payload, Payload(PayloadKind.JSON, b'[{"b":null},2.5]'))
        self.lines.say("PUBLISH t hello world")
        self.assertEqual(self.cbor.hear(), [Publication(0, "t", cbor(["hello world"]))])
        self.assertEqual([json.loads(text)["params"] for text in self.json.hear()], [["hello world"]])

    def test_what_one_calls_another_answers(self) -> None:
        self.lines.say("EXPOSE spell")
        self.cbor.say(Request(5, "spell", None, cbor(["abc"])))
        (call,) = self.lines.hear()
        assert isinstance(call, events.Invoked)
        self.assertEqual(call.payload, cbor(["abc"]))
        self.lines.say(f"ANSWER {call.number} a b c")
        self.assertEqual(self.cbor.hear(), [Response(5, 0, cbor("a b c"))])
        self.cbor.say(Admin(6, "add", {"cmd": "expose"}))
        self.json.say_text(rpc(7, "add", [1, 2]))
        (asked,) = self.cbor.hear()
        assert isinstance(asked, Request)
        self.assertEqual(asked.data, cbor([1, 2]))
        self.cbor.say(Response(asked.id, 0, cbor({"sum": 3})))
        (text,) = self.json.hear()
        self.assertEqual(json.loads(text)["result"]["data"], {"sum": 3})

    def test_the_core_answers_all(self) -> None:
        (answer,) = self.cbor.say(Request(5, "rid", None, cbor([])))
        self.assertEqual(answer, Response(5, 0, cbor("pkid")))
        (text,) = self.json.say_text(rpc(7, "rid", []))
        self.assertEqual(json.loads(text)["result"]["data"], "pkid")
        (line,) = self.lines.say("CALL rid")
        assert isinstance(line, events.Succeeded)
        assert line.payload is not None
        self.assertEqual(line.payload.data, b"pkid")

    def test_a_message_that_a_door_cannot_write_is_passed_over_and_the_next_one_is_not(self) -> None:
        self.subscribe()
        for broken, others in ((Lines, (self.cbor, self.json)), (CborDialect, (self.lines, self.json))):
            before = self.core.service.tally.delivered
            patch = self.patch(broken, "encode", fail)
            self.core.join().say(publish("t", "one"))
            self.assertEqual([len(peer.hear()) for peer in others], [1, 1])
            patch.restore()
            self.core.join().say(publish("t", "two"))
            for peer in (self.lines, self.cbor, self.json):
                self.assertEqual(len(peer.hear()), 1, peer)
                self.assertFalse(peer.wire.disconnecting, peer)
            self.assertEqual(self.core.service.tally.delivered - before, 5)
        self.assertEqual(self.core.service.tally.undelivered, {"unwritable": 2})
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_who_asks_faster_than_it_may_is_read_more_slowly_at_each_door_and_nothing_is_lost(self) -> None:
        self.serve(Terms(rates=Rates(commands=5)))
        listener = self.core.join()
        listener.say(Subscribe(1, "t"))
        for peer, said in (
            (self.lines, b"PUBLISH t x\n"), (self.cbor, frame(CBOR.encode(Publication(0, "t", cbor(["x"]))))),
            (self.json, self.json.connection.send(TextMessage('{"jsonrpc":"2.0","method":"t","params":["x"]}'))),
        ):  # fmt: skip
            peer.protocol.dataReceived(said * 20)
            heard = [len(listener.deliveries)]
            for _ in range(4):
                self.core.wait(1)
                heard.append(len(listener.deliveries))
            self.assertEqual((heard[0], heard[-1]), (6, 20), peer)
            self.assertTrue(all(after - before <= 6 for before, after in pairwise(heard)), heard)
            listener.deliveries.clear()

    def test_the_same_rights_hold_for_all(self) -> None:
        self.subscribe()
        for change in (PrivateTopic(Pattern("t")), Authorize(Pattern("t"), "alice")):
            self.core.service.change(change, "operator")
        self.core.wait(1)
        for peer in (self.lines, self.cbor, self.json):
            peer.hear()
        self.cbor.say(Publication(0, "t", cbor([1])))
        self.json.say_text('{"jsonrpc":"2.0","method":"t","params":[1]}')
        self.assertIsInstance(self.lines.say("#1 PUBLISH t x")[-1], events.Errored)
        self.assertEqual((self.cbor.hear(), self.json.hear()), ([], []))
