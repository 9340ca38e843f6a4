"""The codec: what one end writes the other reads, and nothing that comes breaks it."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pkid.auth.proofs import PasswordProof, PlainProof, Registration, ScramAnswer
from pkid.auth.schemes import Scheme
from pkid.broker.commands import (
    Administer,
    Call,
    Command,
    Prove,
    Publish,
    PublishBatch,
    PublishSeries,
    Register,
    View,
)
from pkid.broker.effects import CloseReason
from pkid.broker.identity import ANONYMOUS, Identity
from pkid.broker.message import Batch, Invocation, Message, QoS
from pkid.broker.overview import TopicFacts
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.broker.replies import (
    Acknowledged,
    Answered,
    Challenge,
    Done,
    Draining,
    Failed,
    Release,
    Reply,
    Welcome,
    Withdrawn,
)
from pkid.broker.rules import Basis, Decision
from pkid.broker.topic import Pattern
from pkid.errors import Malformed, Reason
from pkid.line import events
from pkid.line.codec import (
    CommandReader,
    EventReader,
    Limits,
    LineFault,
    Ping,
    Pong,
    Talk,
    write_batch,
    write_closing,
    write_command,
    write_delivery,
    write_fault,
    write_greeting,
    write_invocation,
    write_reply,
)
from pkid.line.commands import ARITIES
from tests.line import values
from tests.support import Case

PROPERTY = settings(
    max_examples=200, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
ALICE = Identity("alice", True)
NONCE = bytes(range(32))


def heard(data: bytes) -> list[Command | Talk]:
    """Return what a core makes of some bytes."""
    reader = CommandReader()
    reader.feed(data)
    return list(iter(reader.read, None))


def told(data: bytes) -> list[events.Event]:
    """Return what a client makes of some bytes."""
    reader = EventReader()
    reader.feed(data)
    return list(iter(reader.read, None))


def message(payload: Payload, sender: Identity = ANONYMOUS, qos: int = 0, slot: int | None = None) -> Message:
    """Make a message."""
    return Message(7, ".", "a/b", ("a", "b"), payload, len(payload.data), QoS(qos), sender, 1700000000.1234, slot)


def text(content: str) -> Payload:
    """Make a payload of text."""
    return Payload(PayloadKind.TEXT, content.encode())


LIMITS = Limits(line=120)
LINES = [
    *[b"PUBLISH a :x\n"] * 4, b"PUBLISH a :\n", b"PUBLISH a ::y\n", b"PUBLISH a x\n", b"PUBLISH a :x\r\n",
    b"PUBLISH a ::\r\n", b"PUBLISH a\n",
    b"PUBLISH a :\xc3\xa9\n", b"PUBLISH a :\xc3\n", b"PUBLISH a :\xa9\n", b"PUBLISH a :x\ty\n", b"PUBLISH a :x\0\n",
    b"PUBLISH a :PUBLISH a :z\n", b"PUBLISH a :" + b"x" * 100 + b"\n", b"PUBLISH a :" + b"x" * 120 + b"\n",
    b"PUBLISH a +json :1\n", b"PUBLISH a +3\na\nb\n", b"publish a :x\n", b"PUBLISH a: :x\n", b"PUBLISH a: x\n",
    *[b"PUBLISH b :x\n"] * 3, b"PUBLISH c/d : :e\n", b"PUBLISH  :x\n", b"PUBLISH +x :y\n", b"PUBLISH \xc3\xa9 :x\n",
    b"PUBLISH \xc3 :x\n", b"#1 PUBLISH a :x\n", b"PUBLISH a +qos=0 :x\n", b"PING\n", b"\n", b"JUMP\n", b"CALL a :x\n",
]  # fmt: skip
"""Lines, many of which publish on one topic."""


class RoundTripTests(Case):
    """What is written is read again."""

    @PROPERTY
    @given(values.commands)
    @example(Publish("", "+5", text("+5"), 2))
    @example(Publish("", "a", text("x\nPUBLISH a forged"), 18))
    def test_a_core_hears_what_a_client_said_and_nothing_else(self, command: Command | Talk) -> None:
        self.assertEqual(heard(write_command(command, values.PLAIN_SCHEME)), [command])

    @PROPERTY
    @given(values.payloads, st.sampled_from([ANONYMOUS, ALICE, Identity("bob")]), st.sampled_from([0, 1, 2]))
    def test_a_client_hears_a_delivery_and_nothing_else(self, payload: Payload, sender: Identity, qos: int) -> None:
        (event,) = told(write_delivery(message(payload, sender, qos), None, again=False))
        expected = events.Delivered(
            "a/b", payload, sender.component, sender.authenticated, 1700000000.123, 7 if qos else None, qos, None, None,
            False,
        )  # fmt: skip
        self.assertEqual(event, expected)

    def test_what_comes_by_a_pattern_names_it_and_has_no_number(self) -> None:
        (event,) = told(write_delivery(message(text("x"), ALICE, 1, 5), Pattern("a/*"), again=True))
        assert isinstance(event, events.Delivered)
        self.assertEqual((event.pattern, event.number, event.slot, event.again), ("a/*", None, 5, True))

    @PROPERTY
    @given(values.payloads)
    def test_a_client_hears_a_call_and_for_how_long_it_waits(self, payload: Payload) -> None:
        (event,) = told(write_invocation(Invocation(3, "a", payload, 0, ALICE, 105.5), 100.0))
        self.assertEqual(event, events.Invoked(3, "a", payload, "alice", True, 5.5))

    def test_a_call_that_waits_no_longer_is_not_of_use_for_less_than_no_time(self) -> None:
        self.assertIn(b"+within=0.000 ", write_invocation(Invocation(3, "a", text("x"), 0, ANONYMOUS, 1.0), 2.0))

    def test_each_reply_is_heard(self) -> None:
        answer = ScramAnswer(b"r=x,s=c2FsdA==,i=4096")
        replies: list[tuple[Reply, events.Event]] = [
            (Challenge("1", ("ed25519", "PLAIN"), NONCE), events.Challenged("1", NONCE, ("ed25519", "PLAIN"))),
            (Challenge("", (), NONCE), events.Challenged("", NONCE, ())),
            (Challenge("1", (), answer), events.Continued("1", answer.message)),
            (Welcome("1", ALICE, "", b"proof"), events.Welcomed("1", "alice", True, b"proof", "")),
            (Welcome("", Identity("bob"), "careful\n!"), events.Welcomed("", "bob", False, b"", "careful\\n!")),
            (Done("1"), events.Succeeded("1", None)),
            (Done("1", Decision(True, Basis.PUBLIC)), events.Succeeded("1", text("yes: the topic is public"))),
            (Done("", ("a",)), events.Succeeded("", Payload(PayloadKind.JSON, b'[\n"a"\n]'))),
            (Failed("1", Reason.FORBIDDEN, "x"), events.Errored("1", "forbidden", "not allowed: x")),
            (Acknowledged("1"), events.Succeeded("1", None)),
            (Release(9), events.Forgotten(9)),
            (Answered("1", text("42"), 2, False), events.Succeeded("1", text("42"))),
            (Answered("1", text("no"), 2, True), events.Errored("1", "failed", "the call failed", text("no"))),
            (Withdrawn(3), events.WithdrawnCall(3)),
            (Draining(), events.Drains()),
        ]
        for reply, event in replies:
            self.assertEqual(told(write_reply(reply)), [event])

    def test_facts_are_told_as_objects(self) -> None:
        facts = TopicFacts(".", "a/*", (ALICE, ANONYMOUS), ())
        (event,) = told(write_reply(Done("1", (facts,))))
        assert isinstance(event, events.Succeeded)
        assert event.payload is not None
        expected = '{"tenant": ".", "topic": "a/*", "subscribers": ["alice", "anonymous"], "exposers": []}'
        self.assertEqual(event.payload.data.decode(), f"[\n{expected}\n]")

    def test_the_greeting_and_the_farewell_are_heard(self) -> None:
        greeting = write_greeting("pkid", NONCE, (Scheme.ED25519, Scheme.PSK))
        self.assertEqual(told(greeting), [events.Greeted("1", "pkid", NONCE, ("ed25519", "psk_hmac_sha256"))])
        self.assertEqual(told(write_greeting("pkid", NONCE, ())), [events.Greeted("1", "pkid", NONCE, ())])
        self.assertEqual(told(write_closing(CloseReason.IDLE)), [events.Closed("idle", CloseReason.IDLE.sentence)])

    def test_both_ends_may_ask_whether_the_other_is_there(self) -> None:
        self.assertEqual(told(write_command(Ping("1")) + write_command(Pong())), [Ping("1"), Pong()])

    def test_a_fault_is_told_under_the_id_of_its_line(self) -> None:
        (event,) = told(write_fault(LineFault(Reason.BAD_LINE, "odd\x1b", "7")))
        self.assertEqual(event, events.Errored("7", "bad-line", "the line cannot be read: odd\\x1b"))


class CommandTests(Case):
    """What a person may type."""

    def test_no_verb_begins_with_what_s_client_keeps(self) -> None:
        self.assertEqual([verb for verb in ARITIES if verb[0] in "QRK"], [])

    def test_text_is_published_as_it_was_typed(self) -> None:
        self.assertEqual(heard(b"publish my_topic hello world\n"), [Publish("", "my_topic", text("hello world"), 11)])

    def test_bytes_may_be_of_a_kind(self) -> None:
        for word, kind in ((b"", PayloadKind.BYTES), (b" +cbor", PayloadKind.CBOR), (b" +text", PayloadKind.TEXT)):
            expected = Publish("", "a", Payload(kind, b"\x01\n"), 2)
            self.assertEqual(heard(b"PUBLISH a +2" + word + b"\n\x01\n\n"), [expected])

    def test_calls_may_name_who_is_to_answer_and_until_when(self) -> None:
        self.assertEqual(heard(b"#1 CALL a +to=bob +within=1.5 x\n"), [Call("1", "a", text("x"), 1, "bob", 1.5)])

    def test_what_cannot_be_understood_is_told_and_the_next_line_is_read(self) -> None:
        for line, reason in (
            (b"#1 SUBSCRIBE", Reason.BAD_LINE),
            (b"#1 SUBSCRIBE a b", Reason.BAD_LINE),
            (b"#1 SUBSCRIBE a +since=nan", Reason.BAD_LINE),
            (b"#1 SUBSCRIBE a +since=1e5", Reason.BAD_LINE),
            (b"#1 SUBSCRIBE a +before=5", Reason.BAD_LINE),
            (b"#1 SUBSCRIBE a +json", Reason.BAD_LINE),
            (b"#1 PING +3\nabc", Reason.BAD_LINE),
            (b"#1 PUBLISH a +1 +text\n\xff", Reason.BAD_LINE),
            (b"#1 PUBLISH a +qos=3 x", Reason.BAD_LINE),
            (b"#1 PUBLISH a +slot=4294967296 x", Reason.BAD_LINE),
            (b"#1 PUBLISH a +to=bob x", Reason.BAD_LINE),
            (b"#1 ACK -1", Reason.BAD_LINE),
            (b"#1 ACK 1000000000000000000", Reason.BAD_LINE),
            ("#1 ACK \N{SUPERSCRIPT TWO}".encode(), Reason.BAD_LINE),
            (b"#1 CALL a +within=.5 x", Reason.BAD_LINE),
            (b"#1 PRIVATE_TOPIC a*", Reason.BAD_TOPIC),
            (b"#1 AUTHORIZE b/b a", Reason.BAD_NAME),
            (b"#1 GRANT jump a alice", Reason.BAD_LINE),
            (b"#1 GRANT publish a !", Reason.BAD_SUBJECT),
            (b"#1 EXPLAIN jump a", Reason.BAD_LINE),
            (b"#1 ENROLL alice", Reason.BAD_LINE),
            (b"#1 ENROLL alice ====", Reason.BAD_LINE),
            (b"#1 ENROLL alice +expires=2031-01-01 AAAA", Reason.BAD_LINE),
            (b"#1 ENROLL alice +expires=9999-12-31T23:59:59-01:00 AAAA", Reason.BAD_LINE),
            (b"#1 ENROLL alice +expires=0001-01-01T00:00:00+01:00 AAAA", Reason.BAD_LINE),
            (b"#1 INSPECT everything", Reason.BAD_LINE),
            (b"#1 SETUP +4 +text\nJUMP", Reason.BAD_LINE),
            (b"#1 SETUP +45067\n" + b"EXPOSE a/b\n" * 4097, Reason.BAD_LINE),
            (b"#1 PROVE alice ed25519 AAAA none", Reason.BAD_LINE),
            (b"#1 PROVE alice ed25519 A+AA none AAAA", Reason.BAD_LINE),
            (b"#1 PROVE alice ed25519 AAAA tls-unique AAAA", Reason.BAD_LINE),
            (b"#1 PROVE alice rot13 AAAA none AAAA", Reason.BAD_LINE),
            ("#1 PROVE alice SCRAM-SHA-256 AAAA é".encode(), Reason.BAD_LINE),
        ):
            reader = CommandReader()
            reader.feed(line + b"\nPING\n")
            with self.assertRaises(LineFault, msg=line) as caught:
                reader.read()
            fault = caught.exception
            self.assertEqual((fault.reason, fault.request, fault.fatal), (reason, "1", False), line)
            self.assertEqual(reader.read(), Ping(), line)

    def test_a_key_may_be_pasted(self) -> None:
        expected = Register("", "alice", Registration(b"\0\1\2", "1234"))
        self.assertEqual(heard(b"ENROLL alice +pin=1234 AAEC\n"), [expected])

    def test_a_message_that_is_acknowledged_needs_an_id(self) -> None:
        with self.assertRaises(LineFault) as caught:
            heard(b"PUBLISH a +qos=1 hello\n")
        self.assertIn("#1 PUBLISH", str(caught.exception))


class WritingTests(Case):
    """Nothing that is written begins a line that was not meant."""

    def test_a_client_refuses_to_write_what_is_no_word(self) -> None:
        for topic in ("a b", "a\nPING", "", "a\u2028b"):
            with self.assertRaises(Malformed):
                write_command(Publish("", topic, text("x"), 1))
        for command in (Ping("1 BYE"), Prove("1", "a", PasswordProof("a\nb"))):
            with self.assertRaises(Malformed):
                write_command(command)

    def test_what_no_verb_says_is_not_written(self) -> None:
        for command in (Register("1", "a", "key"), Administer("1", object()), Prove("1", "a", PlainProof(b"x"))):  # type: ignore[arg-type]
            with self.assertRaises(ValueError):
                write_command(command)

    def test_text_that_cannot_be_printed_goes_by_length(self) -> None:
        for content in ("x\nBYE", "\x1b[2J", "a\u2028b", "\x85", "x" * 2000):
            data = content.encode()
            written = write_delivery(message(text(content)), None, again=False)
            self.assertTrue(written.endswith(b" +%d +text\n%b\n" % (len(data), data)), written)

    def test_text_that_is_not_utf_8_goes_as_bytes(self) -> None:
        written = write_delivery(message(Payload(PayloadKind.TEXT, b"\xff")), None, again=False)
        self.assertTrue(written.endswith(b" +1 +bytes\n\xff\n"))

    def test_short_text_stays_in_its_line_for_people(self) -> None:
        written = write_delivery(message(text("+hello: world"), ALICE), None, again=False)
        self.assertEqual(written, b"MESSAGE a/b +from=alice +at=1700000000.123 :+hello: world\n")

    def test_an_inspection_can_be_asked_for_and_every_view_has_a_word(self) -> None:
        self.assertEqual({view.value for view in View}, {"sessions", "topics", "rights"})


class FuzzTests(Case):
    """Nothing that comes raises anything but the codec's own."""

    LIMITS = Limits(line=64, payload=64, options=4)

    def drain(self, reader: CommandReader | EventReader) -> bool:
        """Read what can be read; tell whether more may come."""
        while True:
            try:
                if reader.read() is None:
                    return True
            except LineFault as fault:
                if fault.fatal:
                    return False

    @PROPERTY
    @given(st.lists(st.binary(max_size=80), max_size=6))
    def test_any_bytes(self, pieces: list[bytes]) -> None:
        for reader in (CommandReader(self.LIMITS), EventReader(self.LIMITS)):
            for piece in pieces:
                reader.feed(piece)
                if not self.drain(reader):
                    break

    @PROPERTY
    @given(
        st.lists(
            st.sampled_from(
                [*(verb.encode() + b" " for verb in ARITIES), b"OK ", b"MESSAGE a ", b"INVOKE 1 a ", b"WELCOME a b",
                 b"#1 ", b"a ", b"+3 ", b"+qos=1 ", b"+since=last ", b"+at=1", b":", b"\n", b"\r\n", b"abc", b"\xff",
                 b"publish ", b"ed25519 ", b"SCRAM-SHA-256 ", b"psk_hmac_sha256 ", b"AAAA ", b"none ", b"-1 "]
            ),
            max_size=30,
        ),
        st.integers(1, 40),
    )  # fmt: skip
    def test_whatever_is_made_of_its_own_words(self, parts: list[bytes], size: int) -> None:
        data = b"".join(parts)
        for reader in (CommandReader(self.LIMITS), EventReader(self.LIMITS)):
            for start in range(0, len(data), size):
                reader.feed(data[start : start + size])
                if not self.drain(reader):
                    break

    @PROPERTY
    @given(st.binary(max_size=400))
    def test_what_is_kept_stays_within_the_limits(self, data: bytes) -> None:
        reader = CommandReader(self.LIMITS)
        for byte in data:
            reader.feed(bytes([byte]))
            if not self.drain(reader):
                return
            self.assertLessEqual(reader.waiting, 64 + 2)


class BatchTests(Case):
    """Publications that differ in their bodies only are read and written together."""

    def read(self, data: bytes, most: int = 64) -> list[object]:
        """Read all that is there, up to what cannot be read."""
        reader = CommandReader(LIMITS)
        reader.feed(data)
        said: list[object] = []
        while True:
            try:
                said.append(reader.read(most))
            except LineFault as fault:
                said.append(str(fault))
                if fault.fatal:
                    return said
            else:
                if said[-1] is None:
                    return said[:-1]

    def test_they_are_one_command(self) -> None:
        (batch,) = self.read(b"PUBLISH a :1\nPUBLISH a ::2\nPUBLISH a :\n")
        self.assertEqual(batch, PublishBatch("", "a", Payloads(PayloadKind.TEXT, (b"1", b":2", b""), True)))

    def test_so_are_those_of_a_kind(self) -> None:
        (batch,) = self.read(b"PUBLISH a +json :1\nPUBLISH a +json :2\n")
        self.assertEqual(batch, PublishBatch("", "a", Payloads(PayloadKind.JSON, (b"1", b"2"), True)))

    def test_no_more_than_are_wanted(self) -> None:
        sizes = [len(batch.payloads.data) for batch in self.read(b"PUBLISH a :1\n" * 7, most=3)[:2]]  # type: ignore[attr-defined]
        self.assertEqual(sizes, [3, 3])

    def test_what_wants_an_answer_is_not(self) -> None:
        for line in (b"#1 PUBLISH a :x\n", b"#1 PUBLISH a +qos=1 :x\n", b"CALL a :x\n", b"PUBLISH a +slot=3 :x\n"):
            self.assertEqual(len(self.read(line * 2)), 2, line)

    def test_a_line_that_ends_in_the_other_way_repeats_nothing(self) -> None:
        first, second = self.read(b"PUBLISH a ::\r\nPUBLISH a ::y\n")
        self.assertEqual([said.payload.data for said in (first, second)], [b":", b":y"])  # type: ignore[attr-defined]

    def test_each_body_is_utf_8_for_itself(self) -> None:
        self.assertIn("not UTF-8", self.read(b"PUBLISH a :x\nPUBLISH a :\xc3\nPUBLISH a :\xa9\n")[1])

    def test_what_cannot_be_printed_does_not_pass_for_it(self) -> None:
        (batch,) = self.read(b"PUBLISH a :x\ty\nPUBLISH a :z\n")
        self.assertFalse(batch.payloads.are_printable)  # type: ignore[attr-defined]

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.sampled_from(LINES), max_size=30).map(b"".join), st.integers(1, 9), st.integers(0, 40))
    def test_they_are_what_would_be_read_one_by_one(self, data: bytes, most: int, cut: int) -> None:
        data = data[: len(data) - cut]
        parted: list[object] = []
        for said in self.read(data, most):
            parted += said.parts if isinstance(said, PublishBatch | PublishSeries) else [said]
        self.assertEqual(parted, self.read(data, 1))

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(st.lists(values.texts | values.payloads, min_size=1, max_size=5), st.none() | values.patterns)
    def test_they_are_written_as_they_would_be_one_by_one(self, given: list[Payload], pattern: Pattern | None) -> None:
        kind, data = given[0].kind, tuple(payload.data for payload in given)
        sender = Identity("alice", True)
        printable = all(_is_printable(each) for each in data)
        batch = Batch(7, ".", "a/b", ("a", "b"), Payloads(kind, data, printable), sender, 1.5)
        self.assertEqual(
            write_batch(batch, pattern), b"".join(write_delivery(each, pattern, False) for each in batch.messages)
        )

    def test_those_that_are_to_be_acknowledged_have_numbers(self) -> None:
        payloads = Payloads(PayloadKind.TEXT, (b"x", b"y"), True)
        batch = Batch(7, ".", "a", ("a",), payloads, ANONYMOUS, 1.5, QoS.AT_LEAST_ONCE)
        for pattern in (None, Pattern("*")):
            one_by_one = b"".join(write_delivery(each, pattern, False) for each in batch.messages)
            self.assertEqual(write_batch(batch, pattern), one_by_one)

    def test_a_body_that_is_too_long_for_a_line_goes_by_length(self) -> None:
        payloads = Payloads(PayloadKind.TEXT, (b"x", b"x" * 1025), True)
        written = write_batch(Batch(7, ".", "a", ("a",), payloads, ANONYMOUS, 1.5), None)
        self.assertIn(b"+1025 +text\n", written)


def _is_printable(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False
