"""``twistd`` with a line door that asks after silences of so many seconds, to see in seconds what takes hours.

python bench/suite/servers/attentive.py SECONDS [ARGUMENT ...]
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial

from twisted.scripts.twistd import run

from pkid.line import factory
from pkid.line.budget import Budget


def main() -> None:
    """Run as ``twistd`` would."""
    silence = timedelta(seconds=float(sys.argv.pop(1)))
    factory.Budget = partial(Budget, idle=silence, answer=silence * 0.9)  # type: ignore[misc, assignment]
    run()


if __name__ == "__main__":
    main()
