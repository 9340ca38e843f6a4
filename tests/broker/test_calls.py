"""Calls: who answers, who may, and that nobody waits for nothing."""

from __future__ import annotations

from pkid.broker.changes import Authorize, PrivateTopic, Unauthorize
from pkid.broker.commands import Answer, Call, Cancel, Expose, RequestId, Unexpose
from pkid.broker.effects import CloseReason
from pkid.broker.identity import Identity
from pkid.broker.inputs import Lost, Pause, Ready
from pkid.broker.policy import Choice, Policy
from pkid.broker.replies import Answered, Done, Failed, Withdrawn
from pkid.broker.rules import Basis
from pkid.broker.topic import Pattern
from pkid.errors import Reason
from tests.broker.hub import Hub
from tests.support import Case


def call(request: RequestId, topic: str = "add", target: str | None = None, seconds: float | None = None) -> Call:
    return Call(request, topic, (1, 2), 10, target, seconds)


def answer(number: int, payload: object = 3, failed: bool = False) -> Answer:
    return Answer(None, number, payload, 1, failed)


class CallCase(Case):
    def pair(self, policy: Policy | None = None) -> tuple[Hub, int, int]:
        """Return a hub, a caller, and an exposer of ``add``."""
        hub = Hub(policy)
        caller, exposer = hub.join("cli"), hub.join("srv")
        self.assertEqual(hub.say(exposer, Expose(0, "add")), [Done(0)])
        return hub, caller, exposer

    def assert_refused(self, hub: Hub, caller: int, command: Call, reason: Reason) -> None:
        (failed,) = hub.say(caller, command)
        assert isinstance(failed, Failed)
        self.assertIs(failed.reason, reason)
        self.assertEqual(failed.request, command.request)


class AnswerTests(CallCase):
    def test_a_call_goes_to_an_exposer_and_its_answer_back(self) -> None:
        hub, caller, exposer = self.pair()
        self.assertEqual(hub.say(caller, call("r")), [])
        (invocation,) = hub.invoked[exposer]
        self.assertEqual((invocation.topic, invocation.payload, invocation.caller), ("add", (1, 2), Identity("cli")))
        hub.say(exposer, answer(invocation.number))
        self.assertEqual(hub.replies[caller][-1], Answered("r", 3, 1, False))
        hub.say(exposer, answer(invocation.number, "again"))
        self.assertEqual(len([r for r in hub.replies[caller] if isinstance(r, Answered)]), 1)

    def test_what_went_wrong_at_the_exposer_is_passed_on(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call("r"))
        hub.say(exposer, answer(hub.invoked[exposer][0].number, "kaboom", True))
        self.assertEqual(hub.replies[caller][-1], Answered("r", "kaboom", 1, True))

    def test_only_the_one_that_was_asked_can_answer(self) -> None:
        hub, caller, exposer = self.pair()
        impostor = hub.join("impostor")
        hub.say(impostor, Expose(0, "add"))
        hub.say(caller, call("r"))
        hub.say(impostor, answer(hub.invoked[exposer][0].number, "forged"))
        hub.say(caller, answer(hub.invoked[exposer][0].number, "forged"))
        self.assertFalse(any(isinstance(reply, Answered) for reply in hub.replies[caller]))

    def test_two_callers_may_call_their_requests_the_same(self) -> None:
        hub, caller, exposer = self.pair()
        other = hub.join("other")
        hub.say(caller, call("r"))
        hub.say(other, call("r"))
        first, second = hub.invoked[exposer]
        hub.say(exposer, answer(second.number, "second"))
        hub.say(exposer, answer(first.number, "first"))
        self.assertEqual(hub.replies[caller][-1], Answered("r", "first", 1, False))
        self.assertEqual(hub.replies[other][-1], Answered("r", "second", 1, False))

    def test_a_request_in_use_is_refused(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call("r"))
        self.assert_refused(hub, caller, call("r"), Reason.OUT_OF_ORDER)
        hub.say(exposer, answer(hub.invoked[exposer][0].number))
        self.assertEqual(hub.say(caller, call("r")), [])

    def test_the_core_answers_its_own_topics(self) -> None:
        hub = Hub()
        caller = hub.connect()
        hub.say(caller, call("r", "uptime"))
        (serve,) = hub.served
        self.assertEqual(serve.topic, "uptime")
        hub.carry_out(hub.broker.served(answer(serve.number, "up")))
        self.assertEqual(hub.replies[caller][-1], Answered("r", "up", 1, False))
        hub.carry_out(hub.broker.served(answer(serve.number, "up")))
        exposer = hub.join("srv")
        hub.say(exposer, Expose(0, "add"))
        hub.say(caller, call("s"))
        hub.carry_out(hub.broker.served(answer(hub.invoked[exposer][0].number, "not the core's to give")))
        self.assertEqual(len([r for r in hub.replies[caller] if isinstance(r, Answered)]), 1)


class RefusalTests(CallCase):
    def test_nobody_exposes_it(self) -> None:
        hub, caller, exposer = self.pair()
        self.assert_refused(hub, caller, call(1, "nosuch"), Reason.NOT_EXPOSED)
        hub.say(exposer, Unexpose(0, "add"))
        self.assert_refused(hub, caller, call(2), Reason.NOT_EXPOSED)

    def test_its_exposer_is_away(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(exposer, Lost())
        self.assert_refused(hub, caller, call(1), Reason.NO_EXPOSER)
        self.assert_refused(hub, caller, call(2, target="srv"), Reason.TARGET_DOWN)

    def test_only_the_caller_exposes_it(self) -> None:
        hub, _, exposer = self.pair()
        self.assert_refused(hub, exposer, call(1), Reason.LOOPBACK)
        self.assert_refused(hub, exposer, call(2, target="srv"), Reason.LOOPBACK)

    def test_a_target(self) -> None:
        hub, caller, _ = self.pair()
        other = hub.join("other")
        hub.say(other, Expose(0, "add"))
        self.assertEqual(hub.say(caller, call(1, target="other")), [])
        self.assertEqual(len(hub.invoked[other]), 1)
        self.assert_refused(hub, caller, call(2, target="ghost"), Reason.TARGET_UNKNOWN)
        self.assert_refused(hub, caller, call(3, "nosuch", target="other"), Reason.NOT_EXPOSED)
        self.assert_refused(hub, caller, call(4, target=""), Reason.TARGET_UNKNOWN)

    def test_nobody_claims_the_place_of_a_proven_target_that_is_away(self) -> None:
        hub = Hub(keys={"srv"})
        proven = hub.join("srv")
        hub.say(proven, Expose(0, "add"))
        hub.say(proven, Lost())
        hub.keys.discard("srv")
        stranger = hub.join("srv")
        hub.say(stranger, Expose(0, "add"))
        self.assert_refused(hub, hub.join("cli"), call(1, target="srv"), Reason.TARGET_DOWN)

    def test_tenants_do_not_call_one_another(self) -> None:
        hub = Hub()
        exposer = hub.join("srv.org")
        hub.say(exposer, Expose(0, "svc"))
        for caller in (hub.join("cli.com"), hub.join("cli"), hub.connect()):
            self.assert_refused(hub, caller, call(1, "svc"), Reason.NOT_EXPOSED)
            self.assert_refused(hub, caller, call(2, "svc", target="srv.org"), Reason.TARGET_UNKNOWN)
        self.assertEqual(hub.say(hub.join("cli.org"), call(1, "svc")), [])
        self.assertEqual(len(hub.invoked[exposer]), 1)

    def test_a_private_topic_needs_the_right_with_a_target_too(self) -> None:
        hub = Hub(keys={"srv", "cli"})
        hub.change(Authorize(Pattern("add"), "srv"))
        exposer, caller = hub.join("srv"), hub.join("cli")
        hub.say(exposer, Expose(0, "add"))
        for target in (None, "srv"):
            (failed,) = hub.say(caller, call(1, target=target))
            self.assertEqual(failed, Failed(1, Reason.FORBIDDEN, Basis.PRIVATE.value))
        hub.change(Authorize(Pattern("add"), "cli"))
        self.assertEqual(hub.say(caller, call(1)), [])

    def test_an_exposer_that_lost_the_right_is_asked_no_more(self) -> None:
        hub = Hub(keys={"good", "bad", "cli"})
        bad, good, caller = hub.join("bad"), hub.join("good"), hub.join("cli")
        for exposer in (bad, good):
            hub.say(exposer, Expose(0, "add"))
        hub.change(Authorize(Pattern("add"), "good"), Authorize(Pattern("add"), "cli"))
        hub.say(caller, call(1))
        self.assertEqual((len(hub.invoked[bad]), len(hub.invoked[good])), (0, 1))

    def test_limits(self) -> None:
        hub, caller, exposer = self.pair(Policy(calls=2))
        hub.say(caller, call(1))
        hub.say(caller, call(2))
        self.assert_refused(hub, caller, call(3), Reason.LIMIT)
        hub.say(exposer, answer(hub.invoked[exposer][0].number))
        self.assertEqual(hub.say(caller, call(3)), [])


class EndTests(CallCase):
    def test_the_time_is_over(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call("short", seconds=1.0))
        hub.say(caller, call("default"))
        hub.say(caller, call("long", seconds=1e9))
        hub.say(caller, call("odd", seconds=float("nan")))
        hub.wait(0.9)
        self.assertEqual([r for r in hub.replies[caller] if isinstance(r, Failed)], [])
        hub.wait(0.1)
        self.assertEqual(hub.replies[caller][-1], Failed("short", Reason.CALL_TIMED_OUT, "add"))
        self.assertEqual(hub.replies[exposer][-1], Withdrawn(hub.invoked[exposer][0].number))
        hub.wait(9)
        self.assertEqual(hub.replies[caller][-1], Failed("default", Reason.CALL_TIMED_OUT, "add"))
        hub.say(exposer, answer(hub.invoked[exposer][1].number))
        self.assertFalse(any(isinstance(r, Answered) for r in hub.replies[caller]))
        hub.wait(290)
        self.assertEqual(len([r for r in hub.replies[caller] if isinstance(r, Failed)]), 4)

    def test_the_deadline_is_carried_to_the_exposer(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call(1, seconds=2.5))
        self.assertEqual(hub.invoked[exposer][0].deadline, hub.now.monotonic + 2.5)

    def test_the_exposer_goes_away(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call("r"))
        hub.say(exposer, Lost())
        self.assertEqual(hub.replies[caller][-1], Failed("r", Reason.EXPOSER_LOST, "add"))

    def test_the_caller_goes_away_or_wants_it_no_longer(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(caller, call("r"))
        self.assertEqual(hub.say(caller, Cancel("r")), [Done("r")])
        self.assertEqual(hub.replies[exposer][-1], Withdrawn(hub.invoked[exposer][0].number))
        hub.say(caller, call("s"))
        hub.say(caller, Lost())
        self.assertEqual(hub.replies[exposer][-1], Withdrawn(hub.invoked[exposer][1].number))
        hub.say(exposer, answer(hub.invoked[exposer][1].number))
        hub.wait(1000)
        self.assertEqual(hub.closed, {})

    def test_a_right_is_taken_away_while_the_answer_is_awaited(self) -> None:
        for loser in ("cli", "srv"):
            hub = Hub(keys={"cli", "srv"})
            hub.change(Authorize(Pattern("add"), "cli"), Authorize(Pattern("add"), "srv"))
            caller, exposer = hub.join("cli"), hub.join("srv")
            hub.say(exposer, Expose(0, "add"))
            hub.say(caller, call("r"))
            hub.change(Unauthorize(Pattern("add"), loser))
            reason = Reason.FORBIDDEN if loser == "cli" else Reason.EXPOSER_LOST
            self.assertEqual(hub.replies[caller][-1], Failed("r", reason, "add"))
            hub.say(exposer, answer(hub.invoked[exposer][0].number))
            self.assertFalse(any(isinstance(r, Answered) for r in hub.replies[caller]))

    def test_deadlines_of_answered_calls_do_not_pile_up(self) -> None:
        hub, caller, exposer = self.pair()
        for number in range(5000):
            hub.say(caller, call(number))
            hub.say(exposer, answer(hub.invoked[exposer].pop().number))
        self.assertLess(len(hub.broker._calls._deadlines), 1100)
        self.assertEqual(len(hub.broker._calls), 0)


class ChoiceTests(CallCase):
    def asked(self, choice: Choice) -> tuple[Hub, list[int], int]:
        hub = Hub(Policy(choice=choice))
        exposers = [hub.join(name) for name in ("a", "b", "c")]
        for exposer in exposers:
            hub.say(exposer, Expose(0, "add"))
        return hub, exposers, hub.join("cli")

    def counts(self, hub: Hub, exposers: list[int]) -> list[int]:
        return [len(hub.invoked[exposer]) for exposer in exposers]

    def test_first_up(self) -> None:
        hub, exposers, caller = self.asked(Choice.FIRST_UP)
        for request in range(4):
            hub.say(caller, call(request))
        self.assertEqual(self.counts(hub, exposers), [4, 0, 0])
        hub.say(exposers[0], Lost())
        hub.say(caller, call(9))
        self.assertEqual(self.counts(hub, exposers), [4, 1, 0])

    def test_round_robin(self) -> None:
        hub, exposers, caller = self.asked(Choice.ROUND_ROBIN)
        for request in range(7):
            hub.say(caller, call(request))
        self.assertEqual(self.counts(hub, exposers), [3, 2, 2])

    def test_less_busy(self) -> None:
        hub, exposers, caller = self.asked(Choice.LESS_BUSY)
        for request in range(3):
            hub.say(caller, call(request))
        self.assertEqual(self.counts(hub, exposers), [1, 1, 1])
        hub.say(exposers[1], answer(hub.invoked[exposers[1]][0].number))
        hub.say(caller, call(3))
        self.assertEqual(self.counts(hub, exposers), [1, 2, 1])


class SlowTests(CallCase):
    def test_calls_wait_for_a_slow_exposer_until_it_has_enough(self) -> None:
        hub, caller, exposer = self.pair(Policy(backlog_bytes=2000))
        hub.say(exposer, Pause())
        for request in range(4):
            self.assertEqual(hub.say(caller, call(request)), [])
        self.assert_refused(hub, caller, call(4), Reason.LIMIT)
        hub.say(caller, Cancel(1))
        hub.say(exposer, Ready())
        self.assertEqual(len(hub.invoked[exposer]), 3)
        self.assertEqual(hub.closed, {})

    def test_answers_wait_for_a_slow_caller_in_bounds(self) -> None:
        hub, caller, exposer = self.pair(Policy(backlog_bytes=1000))
        for request in range(3):
            hub.say(caller, call(request))
        hub.say(caller, Pause())
        numbers = [invocation.number for invocation in hub.invoked[exposer]]
        for number in numbers[:2]:
            hub.say(exposer, Answer(None, number, "x", 200))
        hub.say(caller, Ready())
        self.assertEqual([r.request for r in hub.replies[caller] if isinstance(r, Answered)], [0, 1])
        hub.say(caller, Pause())
        hub.say(exposer, Answer(None, numbers[2], "x", 900))
        self.assertEqual(hub.closed, {})
        hub.say(caller, call(9))
        hub.say(exposer, Answer(None, hub.invoked[exposer][-1].number, "x", 900))
        self.assertEqual(hub.closed, {caller: CloseReason.OVERFLOW})

    def test_a_private_topic_made_while_a_call_waits(self) -> None:
        hub, caller, exposer = self.pair()
        hub.say(exposer, Pause())
        hub.say(caller, call("r"))
        hub.change(PrivateTopic(Pattern("add")))
        hub.say(exposer, Ready())
        self.assertEqual(hub.invoked[exposer], [])
        self.assertEqual(hub.replies[caller][-1], Failed("r", Reason.FORBIDDEN, "add"))
