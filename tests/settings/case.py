"""What the tests of the settings share: a made-up environment and made-up files."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from pkid.settings import SettingsError
from pkid.settings.resolution import Settings, resolve
from tests.support import Case

GOOD = "a good pre-shared key, 1"
OTHER = "another pre-shared key, 2"
THIRD = "the third pre-shared key, 3"
WORK = Path("/work-directory")

Files = Mapping[str, bytes | OSError]
"""What reading gives, by path."""


class SettingsCase(Case):
    def resolve(
        self,
        flags: Mapping[str, str | bool] | None = None,
        environ: Mapping[str, str] | None = None,
        files: Files | None = None,
    ) -> Settings:
        """Resolve with an environment and files that are made up."""
        found = files or {}

        def read_file(path: Path) -> bytes:
            content = found.get(str(path), FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
            if isinstance(content, OSError):
                raise content
            return content

        return resolve(flags or {}, {"HOME": "/home/me", **(environ or {})}, read_file, WORK)

    def configured(self, toml: str, **files: bytes) -> Settings:
        """Resolve with a configuration file only."""
        return self.resolve({"config": "/etc/pkid.toml"}, files={"/etc/pkid.toml": toml.encode(), **files})

    def refused(
        self,
        flags: Mapping[str, str | bool] | None = None,
        environ: Mapping[str, str] | None = None,
        files: Files | None = None,
    ) -> str:
        """Return the message with which the same is refused: one line."""
        with self.assertRaises(SettingsError) as caught:
            self.resolve(flags, environ, files)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        return message

    def refused_file(self, toml: str) -> str:
        """Return the message with which a configuration file is refused."""
        return self.refused({"config": "/etc/pkid.toml"}, None, {"/etc/pkid.toml": toml.encode()})
