"""What a client calls, and what it answers; and the rights that an admin changes by it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError

from pkid.broker.changes import Authorize, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import Administer, Answer, Call, Cancel, Explain, Expose, Inspect, Unexpose, View
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern
from pkid.line.client.errors import CallFailed, Denied, Disconnected
from pkid.line.events import Invoked
from tests.line.client.cores import ClientCase


class CallingTests(ClientCase):
    """As the caller."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def call(self, **how: Any) -> tuple[Deferred[Payload], Call]:
        answer = self.client.call("add", "1 2", **how)
        call = self.end.only(Call)
        assert isinstance(call, Call)
        return answer, call

    def test_it_gets_the_answer(self) -> None:
        answer, call = self.call(target="bob", seconds=2.5)
        self.assertEqual((call.target, call.seconds), ("bob", 2.5))
        self.end.say(f"#{call.request} OK :3")
        self.assertEqual(self.successResultOf(answer), Payload(PayloadKind.TEXT, b"3"))

    def test_an_empty_answer_is_one(self) -> None:
        answer, call = self.call()
        self.end.say(f"#{call.request} OK")
        self.assertEqual(self.successResultOf(answer).data, b"")

    def test_the_exposers_failure_is_told_with_its_payload(self) -> None:
        answer, call = self.call()
        self.end.say(f"#{call.request} FAILED :two numbers, please")
        self.assertEqual(self.failureResultOf(answer, CallFailed).value.payload.data, b"two numbers, please")

    def test_the_cores_refusal_is_told_with_its_code(self) -> None:
        answer, call = self.call()
        self.end.say(f"#{call.request} ERROR not-exposed :nobody exposes add")
        self.assertEqual(self.failureResultOf(answer, Denied).value.code, "not-exposed")

    def test_who_does_not_want_the_answer_any_more_says_so(self) -> None:
        answer, call = self.call()
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.end.heard(), [Cancel(call.request)])
        self.end.say(f"#{call.request} OK :3")

    def test_a_core_that_does_not_answer_is_not_waited_for(self) -> None:
        answer, _ = self.call(seconds=1)
        self.clock.advance(5.9)
        self.assertNoResult(answer)
        self.clock.advance(0.1)
        self.failureResultOf(answer, TimeoutError)

    def test_a_call_is_not_made_twice(self) -> None:
        answer, _ = self.call()
        self.reconnect()
        self.failureResultOf(answer, Disconnected)
        self.assertEqual(self.end.heard(), [])

    def test_without_a_connection_there_is_no_call(self) -> None:
        self.end.lose()
        self.failureResultOf(self.client.call("add"), Disconnected)


class AnsweringTests(ClientCase):
    """As the exposer."""

    INVOKE = "INVOKE 7 add +from=bob +within=10 :1 2"

    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.calls: list[Invoked] = []
        self.answer: Any = "3"

    def answerer(self, call: Invoked) -> Any:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def expose(self) -> None:
        exposing = self.client.expose("add", self.answerer)
        self.assertNoResult(exposing)
        self.end.confirm(Expose)
        self.successResultOf(exposing)

    def answered(self) -> tuple[bytes, bool]:
        answer = self.end.only(Answer)
        self.assertEqual(answer.number, 7)
        return answer.payload.data, answer.failed

    def test_it_answers_at_once_or_later(self) -> None:
        self.expose()
        self.end.say(self.INVOKE)
        self.assertEqual(self.answered(), (b"3", False))
        (call,) = self.calls
        self.assertEqual((call.topic, call.payload.data, call.caller, call.proven), ("add", b"1 2", "bob", True))
        self.answer = Deferred()
        self.end.say(self.INVOKE)
        self.assertEqual(self.end.heard(), [])
        self.answer.callback(b"4")
        self.assertEqual(self.answered(), (b"4", False))

    def test_the_caller_hears_what_the_exposer_says_of_a_failure(self) -> None:
        self.expose()
        self.answer = CallFailed("two numbers, please")
        self.end.say(self.INVOKE)
        self.assertEqual(self.answered(), (b"two numbers, please", True))

    def test_nothing_of_any_other_failure_is_told(self) -> None:
        self.expose()
        self.answer = RuntimeError("the password is hunter2")
        self.end.say(self.INVOKE)
        self.assertEqual(self.answered(), (b"whoever exposes this failed", True))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_what_is_not_exposed_is_not_answered(self) -> None:
        self.end.say(self.INVOKE)
        self.assertEqual(self.answered()[1], True)

    def test_an_answer_that_nobody_waits_for_is_not_made(self) -> None:
        self.expose()
        for end in (
            lambda: self.end.say("WITHDRAWN 7"),
            lambda: self.clock.advance(10),
            lambda: self.end.lose(),
        ):
            cancelled: list[Deferred[None]] = []
            self.answer = Deferred(cancelled.append)
            self.end.say(self.INVOKE)
            end()
            self.assertEqual(len(cancelled), 1)
            self.assertEqual([each for each in self.end.heard() if isinstance(each, Answer)], [])

    def test_a_core_that_is_about_to_stop_gets_the_answer_first(self) -> None:
        self.expose()
        self.answer = Deferred()
        self.end.say(self.INVOKE, "DRAINING")
        self.assertFalse(self.end.transport.disconnecting)
        self.answer.callback("4")
        self.assertEqual(self.answered(), (b"4", False))
        self.assertTrue(self.end.transport.disconnecting)

    def test_it_is_exposed_again_after_a_connection_was_lost(self) -> None:
        self.expose()
        self.assertEqual(self.reconnect().exposed, ("add",))

    def test_one_that_is_refused_is_none(self) -> None:
        exposing = self.client.expose("add", self.answerer)
        self.end.say(f"#{self.end.only(Expose).request} ERROR forbidden :not allowed: no grant")
        self.failureResultOf(exposing, Denied)
        self.assertEqual(self.reconnect().exposed, ())

    def test_it_is_exposed_no_longer(self) -> None:
        self.expose()
        ending = self.client.unexpose("add")
        self.end.confirm(Unexpose)
        self.successResultOf(ending)
        self.assertEqual(self.reconnect().exposed, ())

    def test_a_topic_is_exposed_once(self) -> None:
        self.expose()
        self.assertRaises(ValueError, self.client.expose, "add", self.answerer)


class RightsTests(ClientCase):
    """As an admin."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_the_rights_of_a_topic_are_changed(self) -> None:
        topic = Pattern("my_topic")
        client = self.client
        for ask, change in (
            (lambda: client.private_topic("my_topic"), PrivateTopic(topic)),
            (lambda: client.authorize("alice", "my_topic"), Authorize(topic, "alice")),
            (lambda: client.unauthorize("alice", "my_topic"), Unauthorize(topic, "alice")),
            (lambda: client.public_topic("my_topic"), PublicTopic(topic)),
        ):
            changing = ask()
            self.assertEqual(self.end.confirm(Administer).change, change)
            self.assertIsNone(self.successResultOf(changing))

    def test_who_is_no_admin_hears_so(self) -> None:
        changing = self.client.private_topic("my_topic")
        self.end.say(f"#{self.end.only(Administer).request} ERROR not-admin :only an admin may do that")
        self.assertEqual(self.failureResultOf(changing, Denied).value.code, "not-admin")

    def test_why_somebody_may_do_something_is_explained(self) -> None:
        asking = self.client.explain(Verb.PUBLISH, "my_topic", "alice")
        self.assertEqual(self.end.confirm(Explain, " :no: nothing grants it").component, "alice")
        self.assertEqual(self.successResultOf(asking), "no: nothing grants it")

    def test_what_there_is_is_looked_at(self) -> None:
        asking = self.client.inspect(View.SESSIONS)
        self.end.confirm(Inspect, ' +json :[{"name": "alice"}]')
        self.assertEqual(self.successResultOf(asking), [{"name": "alice"}])
