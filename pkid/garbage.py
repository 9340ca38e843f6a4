"""When Python looks for garbage: not while a program is loaded, and never among what it was loaded with.

Loading makes a hundred thousand objects that stay. To look through them again and again delays the start, and later,
while the program serves, each full look would hold everybody up.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collections", "spare_what_is_loaded"]


@contextmanager
def no_collections() -> Iterator[None]:
    """Look for no garbage meanwhile; afterwards as before, but never among what was loaded until then.

    Otherwise the first look afterwards, and one more before the core is ready, would go through all of it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        spare_what_is_loaded()
    finally:
        if was_enabled:
            gc.enable()


def spare_what_is_loaded() -> None:
    """Look for garbage only among what is made from now on."""
    gc.freeze()
