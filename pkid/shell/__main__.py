"""``python -m pkid.shell``: the same as the program ``pkid``."""

from __future__ import annotations

import sys

from pkid.shell.main import main

if __name__ == "__main__":
    sys.exit(main())
