"""What several threads do at once comes to the same as one after the other, and leaves none at work."""

from __future__ import annotations

import threading
from typing import Any

from pkid.threads import ParallelMap
from tests.support import Case

PATIENCE = 30  # seconds


class ParallelMapTests(Case):
    def make(self, size: int) -> ParallelMap:
        made = ParallelMap(self.id(), size)
        self.addCleanup(made.stopService)
        return made

    def threads(self) -> list[threading.Thread]:
        """Return the threads of this test."""
        return [thread for thread in threading.enumerate() if thread.name.startswith(self.id())]

    def test_what_came_of_it_stands_in_the_order_of_the_things(self) -> None:
        for size in (1, 2, 5):
            self.assertEqual(self.make(size)(str, range(100)), list(map(str, range(100))))

    def test_it_does_so_whichever_is_done_first(self) -> None:
        second = threading.Event()

        def work(place: int) -> int:
            second.wait(PATIENCE) if place == 0 else second.set()
            return place

        self.assertEqual(self.make(2)(work, range(3)), [0, 1, 2])

    def test_as_many_threads_as_allowed_work_at_once_and_the_one_that_calls_is_among_them(self) -> None:
        together = threading.Barrier(3)

        def meet(_: int) -> int:
            together.wait(PATIENCE)
            return threading.get_ident()

        met = self.make(3)(meet, range(6))
        self.assertEqual(len(set(met)), 3)
        self.assertIn(threading.get_ident(), met)

    def test_one_thing_alone_needs_no_other_thread(self) -> None:
        self.assertEqual(self.make(4)(lambda _: threading.get_ident(), ["a"]), [threading.get_ident()])
        self.assertEqual(self.threads(), [])

    def test_many_things_are_handed_over_once_to_each_thread(self) -> None:
        made = self.make(3)
        handed: list[object] = []
        submit = made._pool.submit

        def count(*work: Any) -> Any:
            handed.append(work)
            return submit(*work)

        self.patch(made._pool, "submit", count)
        made(str, range(64))
        self.assertEqual(len(handed), 2)

    def test_of_nothing_comes_nothing(self) -> None:
        self.assertEqual(self.make(2)(str, []), [])

    def test_what_another_thread_raises_is_raised(self) -> None:
        here, together = threading.get_ident(), threading.Barrier(2)

        def fail_elsewhere(_: int) -> None:
            together.wait(PATIENCE)
            if threading.get_ident() != here:
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, self.make(2), fail_elsewhere, range(2))

    def test_no_thread_is_at_work_any_more_when_an_error_is_raised(self) -> None:
        here, together, failed = threading.get_ident(), threading.Barrier(2), threading.Event()
        ended: list[int] = []

        def work(_: int) -> None:
            together.wait(PATIENCE)
            if threading.get_ident() == here:
                failed.set()
                raise ZeroDivisionError
            failed.wait(PATIENCE)
            ended.append(1)

        self.assertRaises(ZeroDivisionError, self.make(2), work, range(2))
        self.assertEqual(ended, [1])

    def test_others_that_are_busy_are_not_waited_for(self) -> None:
        made, begun, gate = self.make(2), threading.Event(), threading.Event()
        ended: list[int] = []
        self.addCleanup(gate.set)

        def hold() -> None:
            begun.set()
            gate.wait(PATIENCE)
            ended.append(1)

        made._pool.submit(hold)
        begun.wait(PATIENCE)
        self.assertEqual((made(str, range(3)), ended), (["0", "1", "2"], []))

    def test_no_thread_is_left_when_it_stopped(self) -> None:
        made, together = self.make(3), threading.Barrier(3)
        made(lambda _: together.wait(PATIENCE), range(3))
        self.assertEqual(len(self.threads()), 2)
        made.stopService()
        self.assertEqual(self.threads(), [])
