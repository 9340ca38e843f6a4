"""No garbage is looked for while a program is loaded, and all is as it was before afterwards."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys

from pkid.garbage import no_collections
from tests.support import Case

FROZEN = (
    "import gc; from pkid.garbage import spare_what_is_loaded as spare; spare(); print(len(gc.get_objects()) < 100)"
)
LOADED = """
import gc
import twisted.cred.strcred, twisted.scripts.twistd
gc.freeze()
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase))
import pkid.tap
print(looks, len(gc.get_objects()) < 1000)
"""


class GarbageTests(Case):
    def run_python(self, program: str) -> str:
        """Return what a program prints in a process of its own."""
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    def test_none_is_looked_for_meanwhile_whatever_happens(self) -> None:
        for work in (list, lambda: int("no number")):
            with contextlib.suppress(ValueError), no_collections():
                self.assertFalse(gc.isenabled())
                work()
            self.assertTrue(gc.isenabled())

    def test_who_had_it_off_still_has(self) -> None:
        gc.disable()
        self.addCleanup(gc.enable)
        with no_collections():
            pass
        self.assertFalse(gc.isenabled())

    def test_what_was_loaded_is_not_looked_through_again(self) -> None:
        self.assertEqual(self.run_python(FROZEN), "True\n")

    def test_what_is_loaded_meanwhile_is_not_looked_through_afterwards(self) -> None:
        program = "import gc; from pkid.garbage import no_collections\nwith no_collections():\n  import sqlite3\n"
        said = self.run_python(program + "print(len(gc.get_objects()) < 100)")
        self.assertEqual(said, "True\n")

    def test_to_load_the_command_line_takes_no_look(self) -> None:
        self.assertEqual(self.run_python(LOADED), "[] True\n")
