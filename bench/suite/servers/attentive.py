"""``twistd`` with a line door that asks after silences of so many seconds, to see in seconds what takes hours.

python bench/suite/servers/attentive.py SECONDS [ARGUMENT ...]
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial

from twisted.scripts.twistd import run

from pkid.line import budget


def main() -> None:
    """Run as ``twistd`` would, which imports the rest of pkid later."""
    silence = timedelta(seconds=float(sys.argv.pop(1)))
    budget.Budget = partial(budget.Budget, idle=silence, answer=silence * 0.9)  # type: ignore[misc, assignment]
    run()


if __name__ == "__main__":
    main()
