"""What connections share of a turn of the reactor: its time, and when what they cause is written."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from pkid.messaging.outgoing import Outgoing
from pkid.messaging.rounds import LONGEST_ROUND
from pkid.messaging.turn import LONGEST_CALM, Turn
from tests.support import Case


class TurnTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.turn = Turn(self.clock)
        self.wire = StringTransport()
        self.other = self.outgoing(self.wire)

    def outgoing(self, wire: StringTransport) -> Outgoing:
        return Outgoing(wire, self.turn.write_soon, lambda: None, lambda room: None)

    def hear(self, said: bytes = b"") -> bytes:
        """Have one connection be heard that says something to another; return what was written by then."""
        self.turn.begin()
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
        if said:
            self.other.write(said)
        self.turn.end()
        return bytes(self.wire.value())

    def end_turn(self) -> bytes:
        """Let the reactor's turn end, and return what was written by then."""
        self.clock.advance(0)
        return bytes(self.wire.value())

    def be_calm(self) -> None:
        """Have a turn pass in which one was heard."""
        self.hear()
        self.end_turn()

    def test_what_many_say_to_one_is_written_once_when_the_turn_ends(self) -> None:
        written: list[bytes] = []
        self.patch(self.wire, "write", written.append)
        for said in (b"a", b"b", b"c"):
            self.hear(said)
        self.assertEqual(written, [])
        self.end_turn()
        self.assertEqual(written, [b"abc"])

    def test_what_is_said_by_one_alone_is_written_at_once_and_the_reactor_is_not_asked(self) -> None:
        self.be_calm()
        self.assertEqual([self.hear(said) for said in (b"a", b"b")], [b"a", b"ab"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_after_a_while_somebody_looks_again_how_many_are_heard(self) -> None:
        self.be_calm()
        self.clock.advance(LONGEST_CALM)
        self.assertEqual([self.hear(said) for said in (b"a", b"b")], [b"", b""])
        self.assertEqual(self.end_turn(), b"ab")
        self.assertEqual(self.hear(b"c"), b"ab")  # two were heard
        self.assertEqual(self.end_turn(), b"abc")
        self.assertEqual(self.hear(b"d"), b"abcd")

    def test_what_nobody_who_was_heard_caused_is_written_when_the_turn_ends(self) -> None:
        self.be_calm()
        self.other.write(b"a")
        self.other.write(b"b")
        self.assertEqual((self.wire.value(), self.hear(b"c"), self.end_turn()), (b"", b"", b"abc"))

    def test_one_that_cannot_be_written_to_is_no_obstacle(self) -> None:
        self.be_calm()
        broken = StringTransport()
        self.patch(broken, "write", None)
        self.turn.begin()
        self.outgoing(broken).write(b"a")
        self.other.write(b"a")
        self.turn.end()
        self.assertEqual(self.wire.value(), b"a")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_there_is_time_for_a_while_in_each_turn_of_the_reactor(self) -> None:
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
        self.clock.rightNow += LONGEST_ROUND
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
        self.clock.rightNow += LONGEST_ROUND
        self.assertFalse(self.turn.has_time(self.clock.seconds()))
        self.end_turn()
        self.assertTrue(self.turn.has_time(self.clock.seconds()))

    def test_a_turn_that_began_calm_has_time_for_little_longer(self) -> None:
        self.be_calm()
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
        self.clock.rightNow += LONGEST_CALM
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
        self.clock.rightNow += LONGEST_ROUND + LONGEST_CALM / 2
        self.assertFalse(self.turn.has_time(self.clock.seconds()))

    def test_what_is_written_between_two_who_are_heard_takes_none_of_their_time(self) -> None:
        self.other.write(b"a")
        self.clock.rightNow += 2 * LONGEST_ROUND
        self.assertTrue(self.turn.has_time(self.clock.seconds()))
