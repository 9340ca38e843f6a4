"""Orders gather into groups while a commit is under way, and every one of them is answered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from unittest.mock import patch

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from pkid.ca.authority import Authority, Order
from pkid.ca.ledger import Entry, Ledger
from pkid.ca.policy import ANY_NAME
from pkid.errors import Malformed, PkidError, Reason, Unavailable
from pkid.issuance import Issuance
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, csr_pem, profile, root
from tests.support import Case

PEM = csr_pem()


class WatchedAuthority(Authority):
    """Writes down whom each group is for."""

    def __init__(self) -> None:
        serials = count(2**130)
        super().__init__(root(), profile(), lambda: NOON, lambda: next(serials))
        self.groups: list[str] = []

    def fulfil(self, orders: Sequence[Order], ledger: Ledger) -> list[Entry | PkidError]:
        self.groups.append("".join(order.credential for order in orders))
        return super().fulfil(orders, ledger)


class IssuanceTests(Case):
    def setUp(self) -> None:
        self.authority = WatchedAuthority()
        self.store = MemoryStore()
        self.issuance = Issuance(self.authority, self.store, group=3, waiting=5)

    def order(self, names: str) -> list[Deferred[Entry]]:
        """Order a certificate for each letter, as the credential of that name."""
        return [self.issuance.order(Order(PEM, name, ANY_NAME)) for name in names]

    def who(self, answers: list[Deferred[Entry]]) -> str:
        return "".join(self.successResultOf(answer).credential for answer in answers)

    def test_one_order_waits_for_nobody(self) -> None:
        self.assertEqual(self.who(self.order("a") + self.order("b")), "ab")
        self.assertEqual((self.authority.groups, self.store.commits), (["a", "b"], 2))

    def test_what_comes_while_a_commit_is_held_back_becomes_groups_in_the_order_of_coming(self) -> None:
        self.store.hold()
        answers = self.order("abcdef")
        self.assertEqual(self.authority.groups, ["a"])
        self.store.release()
        self.assertEqual(self.who(answers), "abcdef")
        self.assertEqual((self.authority.groups, self.store.commits), (["a", "bcd", "ef"], 3))

    def test_nothing_is_answered_before_its_own_commit(self) -> None:
        self.store.hold()
        first, second = self.order("ab")
        self.store.release_one()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.store.release()
        self.successResultOf(second)

    def test_one_too_many_is_told_so_at_once_and_the_others_are_served(self) -> None:
        self.store.hold()
        answers = self.order("abcdefg")
        failure = self.failureResultOf(answers.pop(), Unavailable)
        self.assertIs(failure.value.reason, Reason.BUSY)
        self.store.release()
        self.assertEqual(self.who(answers), "abcdef")

    def test_a_bad_order_spoils_no_other(self) -> None:
        self.store.hold()
        self.order("a")
        good = self.order("b")
        bad = self.issuance.order(Order(b"nonsense", "c", ANY_NAME))
        good += self.order("d")
        self.store.release()
        self.assertEqual(self.who(good), "bd")
        self.failureResultOf(bad, Malformed)

    def test_a_failed_commit_fails_its_group_alone(self) -> None:
        self.store.hold()
        first, *group, last = self.order("abcde")
        self.store.release_one()
        self.store.fail_next()
        self.store.release()
        self.assertEqual(self.who([first, last]), "ae")
        for answer in group:
            self.assertIs(self.failureResultOf(answer, Unavailable).value.reason, Reason.STORE)
        self.assertEqual(len(self.store.entries), 2)

    def test_what_nobody_expected_fails_its_group_and_not_the_service(self) -> None:
        self.store.hold()
        first, *group = self.order("abc")
        with patch.object(Authority, "fulfil", lambda *_: 1 // 0):
            self.store.release()
        for answer in group:
            self.failureResultOf(answer, ZeroDivisionError)
        self.assertEqual(self.who([first, *self.order("d")]), "ad")

    def test_an_order_can_be_taken_back_until_a_group_takes_it(self) -> None:
        self.store.hold()
        answers = self.order("abc")
        answers[1].cancel()
        self.failureResultOf(answers[1], CancelledError)
        self.store.release()
        self.assertEqual(self.authority.groups, ["a", "c"])
        self.assertEqual(self.who([answers[0], answers[2]]), "ac")

    def test_what_was_taken_back_leaves_room(self) -> None:
        self.store.hold()
        answers = self.order("abcdef")
        answers[3].cancel()
        answers[3].addErrback(lambda failure: failure.trap(CancelledError))
        answers += self.order("g")
        self.store.release()
        self.assertEqual(self.who(answers[4:]), "efg")

    def test_who_leaves_during_the_commit_keeps_no_answer_from_the_others(self) -> None:
        self.store.hold()
        first, *group = self.order("abcd")
        self.store.release_one()
        for answer in (group[0], group[2]):
            answer.cancel()
            self.failureResultOf(answer, CancelledError)
        last = self.order("e")
        self.store.release()
        self.assertEqual(self.who([first, group[1], *last]), "ace")
        self.assertEqual(len(self.store.entries), 5)


class PatienceTests(Case):
    """With a clock, a group waits for who was just answered; a commit takes ten milliseconds here."""

    def setUp(self) -> None:
        self.authority, self.store, self.clock = WatchedAuthority(), MemoryStore(), Clock()
        self.issuance = Issuance(self.authority, self.store, clock=self.clock)

    def order(self, names: str) -> list[Deferred[Entry]]:
        return [self.issuance.order(Order(PEM, name, ANY_NAME)) for name in names]

    def commit(self, seconds: float = 0.01) -> None:
        self.clock.advance(seconds)
        self.store.release()

    def commit_three(self) -> None:
        """Let a group of one, and one of three commit."""
        self.store.hold()
        self.order("abcd")
        self.clock.advance(0.01)
        self.store.release_one()
        self.commit()
        self.assertEqual(self.authority.groups, ["a", "bcd"])

    def test_as_many_as_the_last_group_had_wait_no_longer(self) -> None:
        self.commit_three()
        answers = self.order("xy")
        self.assertEqual(self.authority.groups[2:], [])
        answers += self.order("z")
        self.assertEqual(self.authority.groups[2:], ["xyz"])
        for answer in answers:
            self.successResultOf(answer)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_fewer_wait_as_long_as_the_last_group_took_and_no_longer(self) -> None:
        self.commit_three()
        (answer,) = self.order("x")
        self.clock.advance(0.0099)
        self.assertNoResult(answer)
        self.clock.advance(0.0002)
        self.successResultOf(answer)
        self.assertEqual(self.authority.groups[2:], ["x"])

    def test_nobody_waits_long_whatever_a_commit_took(self) -> None:
        self.store.hold()
        self.order("ab")
        self.clock.advance(60)
        self.store.release_one()
        self.order("c")
        self.commit(60)
        (answer,) = self.order("x")
        self.clock.advance(0.021)
        self.successResultOf(answer)

    def test_who_comes_later_waits_for_nobody(self) -> None:
        self.commit_three()
        self.clock.advance(0.011)
        self.successResultOf(self.order("x")[0])

    def test_one_that_asks_again_and_again_is_never_kept_waiting(self) -> None:
        self.store.hold()
        for name in "abc":
            (answer,) = self.order(name)
            self.commit()
            self.store.hold()
            self.successResultOf(answer)

    def test_nothing_is_left_to_wait_for_when_all_left(self) -> None:
        self.commit_three()
        answers = self.order("xy")
        for answer in answers:
            answer.cancel()
            self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(1)
        self.assertEqual(self.authority.groups[2:], [])


class TurnsTests(Case):
    """With a clock, a group's answers go out four in a turn of the reactor."""

    def setUp(self) -> None:
        self.store, self.clock = MemoryStore(), Clock()
        self.issuance = Issuance(WatchedAuthority(), self.store, clock=self.clock)
        self.answered = ""

    def order(self, names: str) -> list[Deferred[Entry]]:
        answers = [self.issuance.order(Order(PEM, name, ANY_NAME)) for name in names]
        for name, answer in zip(names, answers, strict=True):
            answer.addBoth(self.note, name)
        return answers

    def note(self, result: object, name: str) -> None:
        self.answered += name if isinstance(result, Entry) else name.upper()

    def commit(self, names: str) -> list[Deferred[Entry]]:
        """Let these commit as one group, behind one that waits for nobody."""
        self.store.hold()
        self.order("_")
        answers = self.order(names)
        self.store.release_one()
        self.assertEqual(self.answered, "_")
        self.clock.advance(0.01)
        self.store.release()
        return answers

    def turn(self) -> str:
        """Make the calls that are due, as a reactor does between two looks at its connections; return who got answers.

        What they ask for is due in the next turn, where ``advance`` would call it, too.
        """
        self.answered = ""
        for call in [call for call in self.clock.calls if call.getTime() <= self.clock.seconds()]:
            self.clock.calls.remove(call)
            call.func(*call.args, **call.kw)
        return self.answered

    def test_the_first_are_answered_at_once_and_the_others_in_the_turns_that_follow(self) -> None:
        self.commit("abcdefghij")
        self.assertEqual(self.answered, "_abcd")
        self.assertEqual([self.turn(), self.turn(), self.turn()], ["efgh", "ij", ""])
        self.assertEqual((self.store.commits, self.clock.getDelayedCalls()), (2, []))

    def test_the_next_group_is_answered_behind_the_one_before(self) -> None:
        self.commit("abcdef")
        self.order("uvwxyz")  # as many as the last group had: they wait for nobody
        self.assertEqual((self.store.commits, self.answered), (3, "_abcd"))
        self.assertEqual([self.turn(), self.turn(), self.turn()], ["efuv", "wxyz", ""])

    def test_a_group_that_failed_is_told_so_in_turns_too(self) -> None:
        self.store.hold()
        self.order("_")
        self.order("abcdef")
        self.store.release_one()
        self.store.fail_next()
        self.store.release()
        self.assertEqual((self.answered, self.turn()), ("_ABCD", "EF"))

    def test_who_leaves_before_its_turn_gets_no_answer_and_delays_nobody(self) -> None:
        answers = self.commit("abcdefg")
        answers[5].cancel()
        self.assertEqual(self.answered, "_abcdF")
        self.assertEqual(self.turn(), "eg")

    def test_one_who_orders_again_when_answered_does_not_make_turns_longer(self) -> None:
        self.store.hold()
        self.order("_")
        answers = self.order("abcdefghijkl")
        answers[3].addBoth(lambda _: self.order("z"))
        self.store.release_one()
        self.store.release()
        self.assertEqual(self.answered, "_abcd")
        turns = [self.turn(), self.turn()]
        self.clock.advance(1)
        self.assertEqual((turns, self.answered), (["efgh", "ijkl"], "ijklz"))
        self.assertEqual(self.clock.getDelayedCalls(), [])
