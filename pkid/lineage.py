"""The CAs that issue here or did, in the ledger and in service, from one start to the next.

Who is remembered and whose certificates count, `pkid.ca.issuers` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pkid.ca.issuers import Issuers
from pkid.ca.recognition import Chain

__all__ = ["IssuerStore", "Lineage"]


class IssuerStore(Protocol):
    """A place that keeps what is known of CAs, as a whole."""

    def load(self) -> Issuers:
        """Return what is kept; blocks, for use before the reactor runs."""

    def save_now(self, found: Issuers, /) -> None:
        """Keep this from now on; blocks, for use before the reactor runs."""

    def save(self, found: Issuers, /) -> Deferred[None]:
        """Keep this from now on; fire when that is durable."""

    def distrust(self, found: Issuers, sha256: bytes, by: str, at: datetime, /) -> Deferred[None]:
        """Do the same, and write down who distrusts the CA with this fingerprint, 32 bytes."""


class Lineage:
    """What is known of CAs, and kept.

    :ivar issuers: those that are known now.

    :param now: gives the wall-clock time, aware UTC.
    """

    _log = Logger()

    def __init__(self, store: IssuerStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self.issuers = Issuers()

    def begin(self, chain: Chain, stored: Chain | None) -> None:
        """Load what is kept, and take note of who issues; blocks, for use before the reactor runs.

        :param chain: of the CA that issues.
        :param stored: that of the state directory's own, if another one issues: it may not have been noted before.
        :raises Unusable: when the one that issues is distrusted.
        :raises StateError: when what is kept cannot be read.
        """
        kept, now = self._store.load(), self._now()
        found = kept.succeeded_by(chain, now)
        self.issuers = found if stored is None else found.preceded_by(stored, now)
        if self.issuers != kept:
            self._store.save_now(self.issuers)

    def succeed(self, chain: Chain) -> None:
        """Take note that another CA issues from now on, and keep that.

        :raises Unusable: when it is distrusted.
        """
        self.issuers = self.issuers.succeeded_by(chain, self._now())
        said = "that another CA issues is not kept yet; the next start does that"
        self._store.save(self.issuers).addErrback(lambda failure: self._log.failure(said, failure))

    def distrust(self, sha256: bytes, by: str) -> Deferred[None]:
        """Let the certificates of a former CA count no more: at once, and for ever when it has fired.

        :param sha256: the fingerprint of its certificate, 32 bytes.
        :param by: who wants it, as the trail is to tell.
        :raises Refused: ``unknown-issuer`` or ``issuer-in-use``.
        """
        now = self._now()
        self.issuers = self.issuers.distrusting(sha256, now)
        return self._store.distrust(self.issuers, sha256, by, now)
