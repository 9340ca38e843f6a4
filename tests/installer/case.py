"""What the installer's tests share: directories with sets in them, and what programs see of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pkid.installer.directory import CertificateDirectory
from pkid.installer.parts import ALWAYS, Part
from pkid.installer.sets import Access
from tests.support import Case

__all__ = ["DirectoryCase", "texts"]


def texts(what: str) -> dict[Part, bytes]:
    """Return contents that can be told from others."""
    return {part: f"{what} {part.value}\n".encode() for part in ALWAYS}


class DirectoryCase(Case):
    """Has a directory, and another one to which one link leads."""

    def setUp(self) -> None:
        self.root = Path(self.mktemp()).resolve()
        self.elsewhere = self.root / "elsewhere"
        self.elsewhere.mkdir(parents=True)
        self.path = self.root / "web"
        self.links = {part: self.path / part.file_name for part in ALWAYS}
        self.links[Part.CERT] = self.elsewhere / "server.crt"

    def directory(self, links: Mapping[Part, Path] | None = None, access: Access | None = None) -> CertificateDirectory:
        """Return the directory, not open, which is closed after the test."""
        directory = CertificateDirectory(self.path, self.links if links is None else links, access or Access())
        self.addCleanup(directory.close)
        return directory

    def seen(self, links: Mapping[Part, Path] | None = None) -> dict[Part, bytes]:
        """Return what programs read under the names that they are told; nothing for those that lead nowhere."""
        return {part: path.read_bytes() for part, path in (links or self.links).items() if path.exists()}
