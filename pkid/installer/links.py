"""Symbolic links that change from one instant to the next, and never take the place of what is somebody else's."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from pkid.errors import StateError
from pkid.files import sync_directory

__all__ = ["remove_other_links", "replace_link", "set_link"]

_TEMPORARY = ".new"


def replace_link(path: Path, target: str) -> None:
    """Let a name be a link to something else, durably; it never leads to nothing meanwhile."""
    temporary = path.with_name(f".{path.name}{_TEMPORARY}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_directory(path.parent)


def set_link(path: Path, target: str, ours: str) -> None:
    """Let a name be a link to *target*, unless it is one already.

    :param ours: how the targets begin of links that may be replaced.
    :raises StateError: when there is anything else.
    """
    if path.is_symlink():
        found = os.readlink(path)
        if found == target:
            return
        free = found.startswith(ours)
    else:
        free = not path.exists()
    if not free:
        raise StateError(path, f"is there already, and is no link to {ours}...", "move it away, or choose another name")
    replace_link(path, target)


def remove_other_links(directory: Path, ours: str, wanted: Collection[Path]) -> None:
    """Remove the links to what is ours that nobody wants any more, and those that a crash left on their way."""
    for entry in directory.iterdir():
        if entry.is_symlink() and entry not in wanted and os.readlink(entry).startswith(ours):
            entry.unlink()
