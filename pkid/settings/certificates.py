"""Which certificates of the operator's own the daemon is given: a CA to issue with, and a pair for its doors.

Knows which of the settings belong together; the files are for others to read. No message here repeats a passphrase.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pkid.ca.pem import LONGEST_PASSPHRASE
from pkid.settings import table
from pkid.settings.component import Setting
from pkid.settings.precedence import Sources
from pkid.settings.sources import SettingsError

__all__ = ["PairFiles", "ca_files", "host_files"]


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where a certificate and its private key are, in PEM form; all paths are absolute."""

    certificate: Path | None = None
    """The file with the certificate and those of its issuers, or ``None`` when there is none of the operator's own."""
    key: Path | None = None
    """The file with the key; it may be the same."""
    passphrase: str | None = field(default=None, repr=False)
    """What the key is encrypted with, if it is."""


def ca_files(sources: Sources) -> PairFiles:
    """Find the CA to issue with. A certificate without a key is only trusted, and a passphrase may be the stored CA's.

    :raises SettingsError: when a key is given alone, or the passphrase cannot be one.
    """
    files = PairFiles(
        sources.path(table.CA_CERT),
        sources.path(table.CA_CERT_KEY),
        _passphrase(sources, table.CA_CERT_KEY_PASS, table.CA_CERT_KEY_PASS_FILE),
    )
    if files.key and not files.certificate:
        raise _alone(sources, table.CA_CERT_KEY, table.CA_CERT, "the CA certificate")
    return files


def host_files(sources: Sources) -> PairFiles:
    """Find the pair for the doors. Without a key of its own, the certificate's file holds both.

    :raises SettingsError: when a key or a passphrase is given alone, or the latter cannot be one.
    """
    files = PairFiles(
        sources.path(table.CERT),
        sources.path(table.CERT_KEY) or sources.path(table.CERT),
        _passphrase(sources, table.CERT_KEY_PASS, table.CERT_KEY_PASS_FILE),
    )
    if files.certificate:
        return files
    for setting in (table.CERT_KEY, table.CERT_KEY_PASS, table.CERT_KEY_PASS_FILE):
        if sources.find(setting):
            raise _alone(sources, setting, table.CERT, "the certificate")
    return PairFiles()  # a passphrase that systemd passes on is no reason to stop


def _passphrase(sources: Sources, value: Setting[str], file: Setting[Path]) -> str | None:
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


def _alone(sources: Sources, given: Setting[object], missing: Setting[object], what: str) -> SettingsError:
    found = sources.find(given)
    source = found.source if found else given.flag
    return SettingsError(f"{source} is given without {missing.flag}; give {what} too, or neither")
