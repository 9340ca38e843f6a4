"""Which CA of the operator's own the daemon is given to issue with; the files are for others to read."""

from __future__ import annotations

from pkid.settings import table
from pkid.settings.certificates import PairFiles, find_passphrase, given_alone
from pkid.settings.precedence import Sources

__all__ = ["ca_files"]


def ca_files(sources: Sources) -> PairFiles:
    """Find the CA to issue with. A certificate without a key is only trusted, and a passphrase may be the stored CA's.

    :raises SettingsError: when a key is given alone, or the passphrase cannot be one.
    """
    files = PairFiles(
        sources.path(table.CA_CERT),
        sources.path(table.CA_CERT_KEY),
        find_passphrase(sources, table.CA_CERT_KEY_PASS, table.CA_CERT_KEY_PASS_FILE),
    )
    if files.key and not files.certificate:
        raise given_alone(sources, table.CA_CERT_KEY, table.CA_CERT, "the CA certificate")
    return files
