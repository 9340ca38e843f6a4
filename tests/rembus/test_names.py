"""Names as clients write them, and ids of messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pkid.broker.identity import ANONYMOUS
from pkid.broker.message import Message, QoS
from pkid.broker.payload import Payload
from pkid.rembus.names import Numbering, component_of
from pkid.rembus.packets import NOTHING
from tests.support import Case


def message(
    number: int, qos: QoS = QoS.AT_LEAST_ONCE, slot: int | None = None, payload: Payload = NOTHING, topic: str = "t"
) -> Message:
    return Message(number, ".", topic, (topic,), payload, 1, qos, ANONYMOUS, 0.0, slot)


class NameTests(Case):
    def test_a_name_is_bare_or_the_path_of_an_address(self) -> None:
        for cid, name in (
            ("alice", "alice"), ("ws://127.0.0.1:8338/alice", "alice"), ("wss://host/a.b", "a.b"), ("", ""),
            ("ws://host:8338", ""), ("ws://host/a/b", "a/b"), ("a:b", "a:b"),
        ):  # fmt: skip
            self.assertEqual(component_of(cid), name)


class NumberingTests(Case):
    def test_what_needs_no_acknowledgement_needs_no_number(self) -> None:
        numbering = Numbering()
        self.assertEqual(numbering.id_of(message(9, QoS.AT_MOST_ONCE)), 0)
        self.assertEqual(numbering.id_of(message(9, QoS.AT_MOST_ONCE, slot=7)), 7)

    @given(st.integers(1, (1 << 62)), st.none() | st.integers(0, (1 << 32) - 1), st.integers(0, 1 << 30))
    def test_an_acknowledgement_finds_its_message(self, number: int, slot: int | None, later: int) -> None:
        numbering = Numbering()
        id = numbering.id_of(message(number, slot=slot))
        numbering.id_of(message(number + later))
        self.assertEqual(numbering.number_of(id), number)
        if slot is not None:
            self.assertEqual(id & 0xFFFFFFFF, slot)

    def test_an_older_message_does_not_set_the_count_back(self) -> None:
        numbering = Numbering()
        id = numbering.id_of(message(1 << 40, slot=1))
        numbering.id_of(message(5))
        self.assertEqual(numbering.number_of(id), 1 << 40)

    @given(st.integers(0, (1 << 64) - 1))
    def test_any_id_may_be_acknowledged(self, id: int) -> None:
        self.assertIsInstance(Numbering().number_of(id), int)
