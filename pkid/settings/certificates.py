"""Which certificate of the operator's own a component is given, with its key and what that is encrypted with.

Knows which of the settings belong together; the files are for others to read. No message here repeats a passphrase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pkid.ca.pem import LONGEST_PASSPHRASE
from pkid.settings import shared
from pkid.settings.component import Setting
from pkid.settings.precedence import Sources
from pkid.settings.sources import SettingsError

__all__ = ["PairFiles", "find_passphrase", "given_alone", "host_files", "keystore_files"]


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where a certificate and its private key are, in PEM form; all paths are absolute."""

    certificate: Path | None = None
    """The file with the certificate and those of its issuers, or ``None`` when there is none of the operator's own."""
    key: Path | None = None
    """The file with the key; it may be the same."""
    passphrase: str | None = field(default=None, repr=False)
    """What the key is encrypted with, if it is."""


def host_files(sources: Sources) -> PairFiles:
    """Find the pair that a component shows. Without a key of its own, the certificate's file holds both.

    :raises SettingsError: when a key or a passphrase is given alone, or the latter cannot be one.
    """
    files = PairFiles(
        sources.path(shared.CERT),
        sources.path(shared.CERT_KEY) or sources.path(shared.CERT),
        find_passphrase(sources, shared.CERT_KEY_PASS, shared.CERT_KEY_PASS_FILE),
    )
    if files.certificate:
        return files
    for setting in (shared.CERT_KEY, shared.CERT_KEY_PASS, shared.CERT_KEY_PASS_FILE):
        if sources.find(setting):
            raise given_alone(sources, setting, shared.CERT, "the certificate")
    return PairFiles()  # a passphrase that systemd passes on is no reason to stop


def keystore_files(environ: Mapping[str, str], directory: Path) -> PairFiles:
    """Find the pair that a broker of Rembus shows: in the directory ``$REMBUS_KEYSTORE``, if there is that variable."""
    given = environ.get("REMBUS_KEYSTORE", "")
    keystore = directory / given
    return PairFiles(keystore / "rembus.crt", keystore / "rembus.key") if given else PairFiles()


def find_passphrase(sources: Sources, value: Setting[str], file: Setting[Path]) -> str | None:
    """Find what a private key is encrypted with.

    :raises SettingsError: when that cannot be a passphrase.
    """
    found = sources.secret(value, file)
    if found is None:
        return None
    passphrase, source = found
    if not passphrase:
        raise SettingsError(f"{source} is empty; leave it out for a key that is not encrypted")
    if not passphrase.isprintable():
        raise SettingsError(f"{source} does not hold a passphrase: that is one line of printable UTF-8 text")
    if len(passphrase.encode()) > LONGEST_PASSPHRASE:
        raise SettingsError(f"{source} is longer than {LONGEST_PASSPHRASE} bytes, so no key is encrypted with it")
    return passphrase


def given_alone(sources: Sources, given: Setting[object], missing: Setting[object], what: str) -> SettingsError:
    """Return the error that one setting is of no use without the other."""
    found = sources.find(given)
    source = found.source if found else given.flag
    return SettingsError(f"{source} is given without {missing.flag}; give {what} too, or neither")
