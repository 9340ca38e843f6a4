"""What a setting is, and a component: one of the programs of pkid, with the settings that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Component", "Setting"]

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One setting."""

    name: str
    """Its name, as in the flag ``--name``."""
    metavar: str
    """What the help calls its value; empty for a flag, which has none."""
    read: Callable[[object], T]
    """Checks and converts a value; raises ``ValueError`` (see :mod:`pkid.settings.kinds`)."""
    default: str | None
    """The value in its written form when none is given; ``None`` when that is for the daemon to find out."""
    help: str
    """What it does, in one line."""
    short: str = ""
    """The letter of its short flag, if it has one."""
    in_file: bool = True
    """Whether the file may hold it."""
    repeatable: bool = False
    """Whether its flag may be given several times."""

    @property
    def flag(self) -> str:
        """How it is written on the command line."""
        return f"--{self.name}"

    def variable(self, prefix: str) -> str:
        """Return the environment variable for it that begins with *prefix*."""
        return prefix + self.name.upper().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Component:
    """One of pkid's programs."""

    name: str
    """What its environment variables have after ``PKID_``, in lower case."""
    groups: Mapping[str, tuple[Setting[Any], ...]]
    """Its settings by the heading that they stand under in the help."""
    tables: tuple[str, ...] = ()
    """What its file may hold besides: tables, for which there is neither a flag nor a variable."""

    @property
    def settings(self) -> tuple[Setting[Any], ...]:
        """All its settings."""
        return tuple(setting for group in self.groups.values() for setting in group)

    @property
    def prefixes(self) -> tuple[str, str]:
        """The prefixes of environment variables: its own, which is the stronger, and the one of all components."""
        return f"PKID_{self.name.upper()}_", "PKID_"
