"""The ledger's entries of certificates that were shown lately, so that who comes often costs no look into the ledger.

An entry never changes, nor does it leave the ledger before its certificate ends. It is kept, and never what was made of
it: whether a certificate is good is decided anew each time. Only certificates that the ledger knows are kept, so
strangers leave none behind.
"""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.defer import Deferred, succeed

from pkid.auth.certificates import FindEntry
from pkid.ca.ledger import Entry

__all__ = ["KnownCertificates"]


class KnownCertificates:
    """Finds entries as the ledger does, of which it remembers some; it is a :data:`~pkid.auth.certificates.FindEntry`.

    :param find: looks into the ledger.
    :param most: how many entries are kept, the one not asked for longest leaving first.
    """

    def __init__(self, find: FindEntry, most: int = 4096) -> None:
        self._find = find
        self._most = most
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    def __call__(self, sha256: bytes, /) -> Deferred[Entry | None]:
        """Fire with the entry of the certificate with a SHA-256 (32 bytes), if it is in the ledger."""
        entry = self._entries.get(sha256)
        if entry is not None:
            self._entries.move_to_end(sha256)
            return succeed(entry)
        return self._find(sha256).addCallback(self._keep, sha256)

    def _keep(self, entry: Entry | None, sha256: bytes) -> Entry | None:
        if entry is not None:
            self._entries[sha256] = entry
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        return entry
