"""The hook: once for each set, one at a time, and again after a failure, later each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twisted.internet.defer import Deferred

from pkid.agent import Credential
from pkid.installer.command import CommandFailed
from pkid.installer.hook import Hook, HookState
from pkid.testing import MemoryCore
from tests.agent.test_storage import credential
from tests.installer.case import DirectoryCase, texts


class Runs:
    """A command that the test lets succeed and fail."""

    def __init__(self) -> None:
        self.running: list[Deferred[None]] = []
        self.environments: list[Mapping[str, str]] = []
        self.stopped = False

    def run(self, environment: Mapping[str, str]) -> Deferred[None]:
        assert not self.running, "two at once"
        self.environments.append(environment)
        self.running.append(Deferred())
        return self.running[0]

    def succeed(self) -> None:
        self.running.pop().callback(None)

    def fail(self, problem: str = "sh ended with status 1") -> None:
        self.running.pop().errback(CommandFailed(problem))

    def stop(self) -> None:
        self.stopped = True


class HookCase(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        memory_core = MemoryCore()
        self.clock = memory_core.clock
        self.runtime = replace(memory_core.runtime, random=lambda: 0.0)
        self.sets = self.directory()
        self.runs = Runs()
        self.hook = self.make()

    def make(self, command: bool = True) -> Hook:
        """Return a hook that runs."""
        hook = Hook("web", self.runs if command else None, self.describe, self.sets, self.runtime)
        hook.startService()
        self.addCleanup(lambda: hook.stopService() if hook.running else None)
        return hook

    def describe(self, held: Credential) -> Mapping[str, str]:
        return {"SERIAL": str(held.certificate.serial_number)}

    def install(self, what: str = "any") -> None:
        self.sets.install(texts(what))
        self.hook.trigger(credential())

    def runs_so_far(self) -> int:
        return len(self.runs.environments)


class OnceTests(HookCase):
    def test_each_set_is_told_once(self) -> None:
        for number in (1, 2):
            self.install()
            self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.RUNNING, number))
            self.runs.succeed()
            self.assertEqual((self.hook.state, self.sets.hook_done), (HookState.DONE, number))
            self.hook.trigger(credential())
            self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.DONE, number))

    def test_it_is_told_what_is_new(self) -> None:
        self.install()
        self.assertEqual(self.runs.environments, [self.describe(credential())])

    def test_another_start_does_not_repeat_what_succeeded(self) -> None:
        self.install()
        self.runs.succeed()
        self.hook = self.make()
        self.assertEqual(self.hook.state, HookState.WAITING)
        self.hook.trigger(credential())
        self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.DONE, 1))

    def test_but_what_was_cut_off(self) -> None:
        self.install()
        self.hook.running = 0  # the agent dies
        self.runs = Runs()
        self.hook = self.make()
        self.hook.trigger(credential())
        self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.RUNNING, 1))

    def test_a_set_that_comes_meanwhile_waits_for_its_turn(self) -> None:
        self.install()
        self.install("newer")
        self.install("newest")
        self.assertEqual(self.runs_so_far(), 1)
        self.runs.succeed()
        self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.RUNNING, 2))
        self.runs.succeed()
        self.assertEqual((self.hook.state, self.sets.hook_done), (HookState.DONE, 3))

    def test_where_there_is_none_there_is_nothing_to_tell(self) -> None:
        self.hook = self.make(command=False)
        self.install()
        self.assertEqual((self.hook.state, self.runs_so_far()), (HookState.NONE, 0))
        self.successResultOf(self.hook.stopService())


class FailureTests(HookCase):
    def test_it_is_tried_again_later_each_time(self) -> None:
        self.install()
        for number, seconds in enumerate((5, 10, 20, 40), start=2):
            self.runs.fail("sh ended with status 1")
            self.assertEqual((self.hook.state, self.hook.error), (HookState.FAILED, "sh ended with status 1"))
            self.clock.advance(seconds - 1)
            self.assertEqual(self.runs_so_far(), number - 1)
            self.clock.advance(1)
            self.assertEqual((self.runs_so_far(), self.hook.state), (number, HookState.RUNNING))
        self.runs.succeed()
        self.assertEqual((self.hook.state, self.hook.error), (HookState.DONE, None))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_new_set_is_told_at_once(self) -> None:
        self.install()
        self.runs.fail()
        self.install("new")
        self.assertEqual(self.runs_so_far(), 2)
        self.runs.succeed()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_with_a_new_set_the_pauses_begin_anew(self) -> None:
        self.install()
        for seconds in (5, 10, 20):
            self.runs.fail()
            self.clock.advance(seconds)
        self.runs.fail()
        self.install("new")
        self.runs.fail()
        self.clock.advance(5)
        self.assertEqual(self.hook.state, HookState.RUNNING)

    def test_success_that_cannot_be_marked_is_a_failure(self) -> None:
        self.install()
        (self.path / ".hook-done").mkdir()
        self.runs.succeed()
        self.assertEqual(self.hook.state, HookState.FAILED)
        assert self.hook.error is not None
        self.assertIn(".hook-done", self.hook.error)

    def test_a_fault_is_not_the_last_attempt(self) -> None:
        self.install()
        self.runs.running.pop().errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.hook.state, self.hook.error), (HookState.FAILED, "a fault, of which the log tells more"))
        self.clock.advance(5)
        self.assertEqual(self.runs_so_far(), 2)


class StopTests(HookCase):
    def test_a_command_that_runs_is_ended_and_waited_for(self) -> None:
        self.install()
        stopping = self.hook.stopService()
        self.assertNoResult(stopping)
        self.assertTrue(self.runs.stopped)
        self.runs.fail("sh was stopped")
        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_command_that_succeeds_all_the_same_is_the_last(self) -> None:
        self.install()
        self.install("newer")
        stopping = self.hook.stopService()
        self.runs.succeed()
        self.successResultOf(stopping)
        self.assertEqual((self.runs_so_far(), self.clock.getDelayedCalls()), (1, []))

    def test_what_waits_is_not_tried_again(self) -> None:
        self.install()
        self.runs.fail()
        self.successResultOf(self.hook.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_begins_after_it(self) -> None:
        self.successResultOf(self.hook.stopService())
        self.install()
        self.assertEqual(self.runs_so_far(), 0)
