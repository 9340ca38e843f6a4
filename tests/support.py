"""What the tests share: base classes, and the one way to skip.

A test that needs something of the machine asks :func:`require` for it. When it is absent, the test is
skipped with a reason, or fails if ``PKID_REQUIRE=all`` is set, as the gate does.
"""

from __future__ import annotations

import inspect
import os
import shutil
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

__all__ = ["Case", "require", "require_program", "slow"]


def require(present: object, what: str) -> None:
    """Skip the running test with the reason *what* unless *present* is true.

    :raises AssertionError: instead, if ``PKID_REQUIRE=all`` is set.
    """
    if present:
        return
    if os.environ.get("PKID_REQUIRE") == "all":
        raise AssertionError(f"needs {what}, and PKID_REQUIRE=all forbids to skip")
    raise SkipTest(f"needs {what}")


def require_program(name: str) -> str:
    """Return the path of a program on the machine, or skip the running test."""
    path = shutil.which(name)
    require(path, f"the program {name}")
    assert path is not None
    return path


def slow() -> None:
    """Skip the running test unless ``PKID_SLOW`` is set, as ``make test-all`` does."""
    if not os.environ.get("PKID_SLOW"):
        require(False, "PKID_SLOW=1 (make test-all)")


class Case(SynchronousTestCase):
    """A test without a reactor; refuses ``async def`` tests, which would pass without running."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in vars(cls).items():
            if name.startswith("test") and inspect.iscoroutinefunction(member):
                raise TypeError(f"{cls.__name__}.{name} is async; use twisted.trial.unittest.TestCase")
