"""How much work a request makes, counted: it must not grow unseen, and seconds depend on the machine."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from sqlalchemy import event
from twisted.internet.defer import Deferred, maybeDeferred

from pkid.auth import derivation, tokens
from pkid.broker.changes import AddRule
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.rights import TopicRights
from pkid.broker.rules import ALL_VERBS, Access, Rule, Subject
from pkid.broker.topic import Pattern
from pkid.ca import request as ca_request
from pkid.ca.authority import Order
from pkid.ca.keys import KeyType
from pkid.ca.leaf import LeafForm
from pkid.ca.policy import ANY_NAME
from pkid.line.dialect import Lines
from pkid.line.factory import LineFactory
from pkid.line.protocol import LineProtocol
from pkid.rembus.cbor import CBOR
from pkid.rembus.factory import Framing, RembusFactory
from pkid.rembus.frames import frame
from pkid.rembus.packets import Ack, Admin, Packet, Publication, Request, Response
from pkid.rembus.protocol import RembusProtocol
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite
from tests.certificates import csr_pem, make_token, private_key
from tests.line.test_protocol import Wire
from tests.messaging.core import Core
from tests.support import Case
from tests.web.memory import Connection, Door, bearer, request

T = TypeVar("T")
ORDERS = 20


class Later:
    """A thread that is run by hand."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def __call__(self, call: Callable[[], T], /) -> Deferred[T]:
        answer: Deferred[T] = Deferred()
        self.waiting.append(lambda: maybeDeferred(call).chainDeferred(answer))
        return answer

    def run(self) -> None:
        """Do what waits, and what comes of it."""
        while self.waiting:
            self.waiting.pop(0)()


class WorkTests(Case):
    def setUp(self) -> None:
        self.done: Counter[str] = Counter()
        self.thread = Later()
        self.engine = engine = open_sqlite(Path(self.mktemp()))
        self.addCleanup(engine.dispose)
        event.listen(engine, "before_cursor_execute", self.statement)
        event.listen(engine, "commit", lambda _: self.count("commits"))
        self.door = Door(store=SQLStore(engine, self.thread))  # type: ignore[arg-type]
        self.count_calls("signatures", LeafForm, "certificate")
        self.count_calls("requests read", ca_request, "read_plain")
        self.count_calls("derivations", derivation, "derive_key")
        self.count_calls("certificates parsed", x509, "load_der_x509_certificate")

    def statement(self, _: Any, __: Any, text: str, *rest: Any) -> None:
        self.count(text.split(maxsplit=1)[0].lower())

    def count(self, what: str) -> None:
        self.done[what] += 1

    def count_calls(self, what: str, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*arguments: Any, **more: Any) -> Any:
            self.count(what)
            return original(*arguments, **more)

        self.patch(owner, name, counted)

    def sign(self, authorization: bytes, orders: int = ORDERS) -> list[Connection]:
        """Let so many connections ask at once, the first of them a little earlier; return them with their answers."""
        connections = [self.door.connect() for _ in range(orders)]
        for number, connection in enumerate(connections):
            body = csr_pem(private_key(), common_name=f"c{number}.example")
            connection.send(request("POST", "/ca/sign", body, Authorization=authorization))
        self.thread.run()
        for connection in connections:
            self.assertEqual(connection.statuses, [200])
        return connections

    def test_each_order_is_read_and_signed_once_and_nothing_is_parsed_again(self) -> None:
        self.sign(bearer())
        self.assertEqual(self.done["requests read"], ORDERS)
        self.assertEqual(self.done["signatures"], ORDERS)
        self.assertEqual(self.done["certificates parsed"], 0)

    def test_orders_that_wait_share_one_commit_one_query_and_one_insert(self) -> None:
        self.sign(bearer())
        groups = 2  # the first order waits for nobody
        statements = ("begin", "select", "insert", "commits")
        self.assertEqual({name: self.done[name] for name in statements}, dict.fromkeys(statements, groups))

    def test_to_sign_and_record_a_group_costs_a_few_hundred_calls_for_each_order(self) -> None:
        keys = [private_key(), private_key(KeyType.RSA2048)]
        bodies = [csr_pem(key, common_name=f"c{number}.example") for number in range(ORDERS) for key in keys]
        orders = [Order(body, "psk:default", ANY_NAME) for body in bodies]
        store = SQLStore(self.engine, self.thread)

        def work(group: list[Order]) -> None:
            store.transact_now(lambda ledger: self.door.authority.fulfil(group, ledger))

        work(orders[:ORDERS])  # the statements for so many are made then
        profile = cProfile.Profile()
        profile.runcall(work, orders[ORDERS:])
        self.assertLess(pstats.Stats(profile).total_calls, 300 * ORDERS)  # type: ignore[attr-defined]

    def test_a_salt_that_is_kept_costs_no_derivation_and_its_header_is_read_once(self) -> None:
        tokens._read_header.cache_clear()
        self.sign(bearer())
        self.assertEqual(self.done["derivations"], 0)
        self.assertEqual(tokens._read_header.cache_info().misses, 1)

    def test_a_new_salt_costs_one_derivation_however_many_ask_with_it(self) -> None:
        salt = bytes(16)
        token = make_token({}, expires_at=self.door.now + 300, salt=salt)
        self.done.clear()
        self.sign(b"Bearer " + token)
        self.assertEqual(self.done["derivations"], 1)

    def test_an_answer_is_one_write(self) -> None:
        writes: list[bytes] = []
        connection = self.door.connect()
        self.patch(connection.wire, "write", writes.append)
        connection.send(request("GET", "/ca/cert"))
        self.assertEqual(len(writes), 1)


class LineWorkTests(Case):
    """Messages on the line door, which has a broker behind it and clients in memory."""

    BATCH = 63
    """With the line by which a client enters, what is read in one turn."""

    def setUp(self) -> None:
        self.core = Core()
        self.factory = LineFactory(self.core.service, self.core.clock)

    def enter(self, line: bytes) -> LineProtocol:
        """Have a client come and say something."""
        protocol = self.factory.buildProtocol(None)
        protocol.makeConnection(Wire())
        protocol.dataReceived(line)
        self.core.clock.advance(0)
        return protocol

    def calls(self, speaker: LineProtocol, lines: bytes) -> int:
        """Return how many function calls it takes until what a client says has been written to the others."""

        def work() -> None:
            speaker.dataReceived(lines)
            self.core.clock.advance(0)

        work()  # what is remembered is known then
        profile = cProfile.Profile()
        profile.runcall(work)
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    def test_messages_that_come_together_cost_a_few_calls_each(self) -> None:
        self.enter(b"SUBSCRIBE t\n")
        calls = self.calls(self.enter(b"START\n"), b"PUBLISH t :hello\n" * self.BATCH)
        self.assertLess(calls, 8 * self.BATCH)

    def test_messages_on_many_topics_that_come_together_cost_some_calls_each(self) -> None:
        topics = [b"house/room%d/temperature" % number for number in range(self.BATCH)]
        self.enter(b"".join(b"SUBSCRIBE %b\n" % topic for topic in topics))
        for subscribed in (b"PING\n", b"SUBSCRIBE house/*/temperature\n"):
            self.enter(subscribed)
            calls = self.calls(self.enter(b"START\n"), b"".join(b"PUBLISH %b :hello\n" % topic for topic in topics))
            self.assertLess(calls, 30 * self.BATCH)

    def test_a_topic_that_is_new_costs_less_than_four_times_the_calls(self) -> None:
        self.enter(b"SUBSCRIBE house/**\n")
        speaker = self.enter(b"START\n")
        old, new = (
            b"".join(b"PUBLISH house/%b%d/temperature :hello\n" % (word, number) for number in range(self.BATCH))
            for word in (b"old", b"new")
        )
        known = self.calls(speaker, old)
        profile = cProfile.Profile()
        profile.runcall(speaker.dataReceived, new)
        self.assertLess(pstats.Stats(profile).total_calls, 4 * known)  # type: ignore[attr-defined]

    def test_a_right_is_decided_once_for_each_topic_and_name(self) -> None:
        counted: Counter[str] = Counter()
        self.patch(TopicRights, "_decide", counting(counted, "decisions", TopicRights._decide))
        self.core.service.follow([AddRule(Rule(Access.GRANT, ALL_VERBS, Pattern("t"), Subject("alice")))])
        self.enter(b"EXPOSE t\n")
        caller = self.enter(b"START\n")
        for number in range(20):
            caller.dataReceived(b"#%d CALL t :hello\n" % number)
        self.assertEqual(counted["decisions"], 2)  # both are without a name: to expose, and to call

    def test_messages_that_come_together_are_encoded_once_for_all_and_written_once_to_each(self) -> None:
        counted: Counter[str] = Counter()
        for name in ("encode", "encode_batch"):
            self.patch(Lines, name, counting(counted, name, getattr(Lines, name)))
        self.patch(Wire, "write", counting(counted, "write", Wire.write))
        for _ in range(10):
            self.enter(b"SUBSCRIBE t\n")
        speaker = self.enter(b"START\n")
        counted.clear()
        speaker.dataReceived(b"PUBLISH t :hello\n" * self.BATCH)
        self.core.clock.advance(0)
        self.assertEqual(counted, {"encode_batch": 1, "write": 10})


class RembusWorkTests(Case):
    """Messages on the Rembus door, which has a broker behind it and clients in memory."""

    BATCH = 60

    def setUp(self) -> None:
        self.core = Core()
        self.factory = RembusFactory(self.core.service, self.core.clock, "rembus-tcp", Framing.PLAIN)

    def enter(self, *said: Packet) -> RembusProtocol:
        """Have a client come and say something."""
        protocol = self.factory.buildProtocol(None)
        protocol.makeConnection(Wire())
        protocol.dataReceived(self.written(*said))
        self.core.clock.advance(0)
        return protocol

    def written(self, *said: Packet) -> bytes:
        return b"".join(frame(CBOR.encode(each)) for each in said)

    def calls(self, *qualities: QoS) -> float:
        """Return how many function calls it takes to publish a message and deliver it, once all is remembered."""
        commands = {"cmd": "subscribe"}, {"cmd": "reactive", "status": True}
        self.enter(*(Admin(1, "t", command) for command in commands))
        speaker, payload = self.enter(), Payload(PayloadKind.CBOR, b"\x81\x65hello")
        ids = iter(range(1, 1000))

        def work(data: bytes) -> None:
            speaker.dataReceived(data)
            self.core.clock.advance(0)

        first, second = (
            self.written(*(Publication(next(ids), "t", payload, qos) for qos in qualities * self.BATCH)) for _ in "ab"
        )
        work(first)
        profile = cProfile.Profile()
        profile.runcall(work, second)
        return float(pstats.Stats(profile).total_calls) / self.BATCH  # type: ignore[attr-defined]

    def test_messages_that_come_together_cost_some_calls_each(self) -> None:
        self.assertLess(self.calls(QoS.AT_MOST_ONCE), 45)

    def test_acknowledged_messages_that_come_together_cost_some_calls_each(self) -> None:
        self.assertLess(self.calls(QoS.AT_LEAST_ONCE), 65)

    def test_acknowledgements_that_come_together_cost_some_calls_each(self) -> None:
        client = self.enter(Admin(1, "t", {"cmd": "reactive", "status": True}))
        data = self.written(*map(Ack, range(1, self.BATCH + 1)))
        profile = cProfile.Profile()
        profile.runcall(client.dataReceived, data)
        calls = pstats.Stats(profile).total_calls / self.BATCH  # type: ignore[attr-defined]
        self.assertLess(calls, 30)

    def test_a_call_at_a_time_goes_there_and_back_without_a_delayed_call(self) -> None:
        exposer, caller = self.enter(Admin(1, "t", {"cmd": "expose"})), self.enter()
        said = Payload(PayloadKind.CBOR, b"\x81\x65hello", True)
        numbers = range(1, self.BATCH + 1)  # the core's numbers of calls begin so, too
        calls = [(self.written(Request(id, "t", None, said)), self.written(Response(id, 0, said))) for id in numbers]
        delayed = len(self.core.clock.getDelayedCalls())

        def work() -> None:
            for asked, answered in calls:
                caller.dataReceived(asked)
                exposer.dataReceived(answered)

        profile = cProfile.Profile()
        profile.runcall(work)
        self.assertLess(pstats.Stats(profile).total_calls / self.BATCH, 168)  # type: ignore[attr-defined]
        self.assertEqual(len(self.core.clock.getDelayedCalls()), delayed)
        heard: Any = caller.transport
        self.assertEqual(heard.value().count(b"hello"), self.BATCH)


def counting(counted: Counter[str], name: str, function: Callable[..., T]) -> Callable[..., T]:
    """Return a function that counts how often it is called."""

    def count(*arguments: Any) -> T:
        counted[name] += 1
        return function(*arguments)

    return count
