"""A sign of life, on a terminal alone."""

from __future__ import annotations

import io
from threading import Event, Timer

from pkid.shell import progress
from pkid.shell.progress import Progress, waiting
from tests.support import Case


class Terminal(io.StringIO):
    """Says that it is one, and tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        size = super().write(text)
        if "working" in text or "MB" in text:
            self.written.set()
        return size


class ProgressTests(Case):
    def setUp(self) -> None:
        self.patch(progress, "_PATIENCE", 0)

    def test_it_appears_when_something_takes_long(self) -> None:
        out = Terminal()
        with waiting(out, color=False):
            self.assertTrue(out.written.wait(10))
        self.assertIn("the core is working", out.getvalue())

    def test_it_tells_how_much_has_come(self) -> None:
        out = Terminal()
        pieces = [b"x" * 2_000_000, b""]
        shown = Progress(out, color=False)
        self.addCleanup(shown.end)
        self.assertTrue(out.written.wait(10))
        out.written.clear()
        read = shown.counted(lambda: pieces.pop(0))
        self.assertEqual([len(read()), read()], [2_000_000, b""])
        self.assertTrue(out.written.wait(10))
        self.assertIn("2.0 MB have come", out.getvalue())

    def test_it_does_not_appear_when_something_ends_at_once(self) -> None:
        self.patch(progress, "_PATIENCE", 3600)
        out = Terminal()
        with waiting(out, color=True):
            pass
        self.assertEqual(out.getvalue(), "")

    def test_elsewhere_there_is_none(self) -> None:
        def start(_: Timer) -> None:
            self.fail("it was about to appear")

        self.patch(Timer, "start", start)
        out = io.StringIO()
        with waiting(out, color=True) as shown:
            self.assertEqual(shown.counted(lambda: b"piece")(), b"piece")
        self.assertEqual(out.getvalue(), "")

    def test_ending_twice_is_harmless(self) -> None:
        with waiting(Terminal(), color=True) as shown:
            shown.end()
