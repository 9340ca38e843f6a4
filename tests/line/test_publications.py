"""Publications that come together in plain lines, and what goes out of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.broker.commands import Publish, PublishBatch, PublishSeries
from pkid.broker.identity import ANONYMOUS
from pkid.broker.message import Series
from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.broker.topic import Pattern
from pkid.line.codec import CommandReader, write_delivery, write_series
from pkid.line.printable import is_printable
from tests.line import values
from tests.support import Case


def read(data: bytes, most: int = 64) -> list[object]:
    """Read all that is there."""
    reader = CommandReader()
    reader.feed(data)
    return list(iter(lambda: reader.read(most), None))


class ReadTests(Case):
    def test_on_several_topics_they_are_one_command(self) -> None:
        (read_together,) = read(b"PUBLISH a :1\nPUBLISH b ::2\nPUBLISH b :\n")
        payloads = Payloads(PayloadKind.TEXT, (b"1", b":2", b""), True)
        self.assertEqual(read_together, PublishSeries("", ("a", "b", "b"), payloads))

    def test_one_alone_is_what_it_is(self) -> None:
        (alone,) = read("PUBLISH a :é x\n".encode())
        self.assertEqual(alone, Publish("", "a", Payload(PayloadKind.TEXT, "é x".encode()), 4))

    def test_no_more_than_are_wanted(self) -> None:
        sizes = [len(each.payloads) for each in read(b"PUBLISH a :1\nPUBLISH b :2\n" * 4, most=3)[:2]]  # type: ignore[attr-defined]
        self.assertEqual(sizes, [3, 3])

    def test_what_is_on_one_topic_to_its_end_is_a_batch(self) -> None:
        said = read(b"PUBLISH a :1\nPUBLISH a :2\nPING\nPUBLISH a :3\nPUBLISH a :4\nPUBLISH b :5\n")
        self.assertEqual([type(each) for each in (said[0], said[2])], [PublishBatch, PublishSeries])

    def test_other_lines_end_it(self) -> None:
        for other in (b"PING\n", b"#1 PUBLISH a :x\n", b"PUBLISH a x\n", b"PUBLISH a +json :1\n", b"PUBLISH a :x\r\n"):
            said = read(b"PUBLISH a :1\nPUBLISH b :2\n" + other)
            self.assertEqual(len(said), 3 if other.endswith(b"\r\n") else 2, other)


class WriteTests(Case):
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(
        st.lists(st.tuples(values.topics, values.texts | values.payloads), min_size=1, max_size=5),
        st.none() | values.patterns,
    )
    def test_they_are_written_as_they_would_be_one_by_one(
        self, given: list[tuple[str, Payload]], pattern: Pattern | None
    ) -> None:
        data = tuple(payload.data for _, payload in given)
        payloads = Payloads(given[0][1].kind, data, all(map(is_printable, data)))
        series = Series(7, ".", tuple(topic for topic, _ in given), payloads, ANONYMOUS, 1.5)
        one_by_one = b"".join(write_delivery(each, pattern, False) for each in series.messages)
        self.assertEqual(write_series(series, pattern), one_by_one)
