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


class GarbageTests(Case):
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
        said = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, check=True).stdout
        self.assertEqual(said, "True\n")
