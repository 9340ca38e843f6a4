"""What the system lets the process have."""

from __future__ import annotations

import resource
from contextlib import suppress

__all__ = ["raise_file_limit"]

_MOST_FILES = 65_536


def raise_file_limit() -> int:
    """Let the process have as many open files, so connections, as the system allows it; return how many."""
    soft, hard = (
        _MOST_FILES if limit == resource.RLIM_INFINITY else min(limit, _MOST_FILES)
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    if soft < hard:
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            return hard
    return soft
