"""Which source is the stronger: one rule for all components.

A flag is stronger than the environment, that is stronger than the file, and the default comes last. In the
environment, ``PKID_CORE_X`` is for the core alone and stronger than ``PKID_X``, which is for every component.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from pkid.settings import secret
from pkid.settings.component import Component, Setting
from pkid.settings.shared import CONFIG, PSK, PSK_FILE
from pkid.settings.sources import (
    Flags,
    Given,
    Level,
    ReadFile,
    SettingsError,
    environment_level,
    file_level,
    flag_level,
    read,
    read_path,
)

__all__ = ["Sources"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sources:
    """What one component was given: levels of raw values, the strongest first, and the process that they are for."""

    levels: tuple[Level, ...] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    read_file: ReadFile

    @classmethod
    def of(
        cls,
        component: Component,
        flags: Flags,
        environ: Mapping[str, str],
        read_file: ReadFile,
        directory: Path,
    ) -> Self:
        """Gather everything that a component is given; the file is read if one is named.

        :param flags: the flags that were given, by the setting's name.
        :param read_file: returns the content of a file.
        :param directory: the working directory, absolute; relative paths start there, those in the file at the file.
        :raises SettingsError: when something is given that is no setting of this component.
        """
        outside = cls(
            (
                flag_level(flags, directory),
                *(environment_level(component, prefix, environ, directory) for prefix in component.prefixes),
            ),
            environ,
            read_file,
        )
        given, path = outside.find(CONFIG), outside.path(CONFIG)
        file = file_level(component, given, path, read_file) if given and path else {}
        return cls((*outside.levels, file), environ, read_file)

    @property
    def home(self) -> Path | None:
        """What ``~`` is."""
        return _absolute(self.environ.get("HOME"))

    def find(self, setting: Setting[object]) -> Given | None:
        """Return the strongest value of a setting, as it was given."""
        return next((level[setting.name] for level in self.levels if setting.name in level), None)

    def value(self, setting: Setting[T]) -> T:
        """Return the value of a setting that has a default.

        :raises SettingsError: when it cannot be used.
        """
        return read(setting, self.find(setting) or Given(setting.default, setting.flag, Path()))

    def optional(self, setting: Setting[T]) -> T | None:
        """Return the value of a setting, if one is given.

        :raises SettingsError: when it cannot be used.
        """
        given = self.find(setting)
        return None if given is None else read(setting, given)

    def path(self, setting: Setting[Path]) -> Path | None:
        """Return a path, absolute, if one is given.

        :raises SettingsError: when it cannot be used.
        """
        given = self.find(setting)
        return None if given is None else read_path(setting, given, self.home)

    def psk(self) -> tuple[str, str] | None:
        """Return the pre-shared key and where it came from, if one is given.

        :raises SettingsError: when it cannot be read.
        """
        return self.secret(PSK, PSK_FILE)

    def locate_psk(self) -> secret.Located | None:
        """Return where the pre-shared key is, if one is given; nothing is read.

        :raises SettingsError: when it is given twice.
        """
        return secret.locate(self._secret_levels(PSK, PSK_FILE), self.home)

    def secret(self, value: Setting[str], file: Setting[Path]) -> tuple[str, str] | None:
        """Return a secret and where it came from, if it is given, itself or in a file.

        :raises SettingsError: when it cannot be read.
        """
        levels = self._secret_levels(value, file)
        return secret.find(levels, self.read_file, self.home, value, file)

    def state_by_default(self, name: str) -> Path:
        """Return the directory in which a component keeps things unless it is told: of systemd, else of the user.

        :param name: of the directory below those of other programs.
        :raises SettingsError: when the environment names no place for it.
        """
        # systemd.exec(5): parted by colons
        given = _absolute(self.environ.get("STATE_DIRECTORY", "").partition(":")[0])
        if given:
            return given
        # XDG Base Directory Specification: a relative one is ignored
        base, home = _absolute(self.environ.get("XDG_STATE_HOME")), self.home
        if base is None and home is None:
            raise SettingsError("--state is needed, because the environment has no HOME to keep things under")
        return (base or Path(home or "", ".local", "state")) / name

    def _secret_levels(self, value: Setting[str], file: Setting[Path]) -> Iterator[Level]:
        *outside, configured = self.levels
        yield from outside
        yield secret.credential_level(self.environ, self.read_file, value.name, file)
        yield configured


def _absolute(written: str | None) -> Path | None:
    path = Path(written or "")
    return path if path.is_absolute() else None
