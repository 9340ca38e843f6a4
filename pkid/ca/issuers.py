"""Which CAs issue here or did, and whose certificates count: the present one, those before it, and the distrusted.

Decides who is remembered; where that is kept is for others to know. The time is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.ca.recognition import Chain
from pkid.errors import Reason, Refused, Unusable

__all__ = ["MOST_FORMER", "Issuers", "KnownIssuer"]

MOST_FORMER = 8
"""How many CAs are recognised beside the one that issues."""


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """A CA that issues here, or did.

    :ivar chain: its certificate and all above it, the root last.
    :ivar replaced_at: since when another one issues, aware UTC; ``None`` for the one that does.
    :ivar distrusted_at: since when its certificates count no more, aware UTC; ``None`` while they do.
    """

    chain: Chain
    replaced_at: datetime | None = None
    distrusted_at: datetime | None = None

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate by which it signs."""
        return self.chain[0]

    @property
    def sha256(self) -> bytes:
        """SHA-256 of that, 32 bytes: the fingerprint."""
        return self.certificate.fingerprint(SHA256())

    @property
    def public_key(self) -> bytes:
        """Its key as SubjectPublicKeyInfo, DER: certificates are signed by keys, of which it may have had others."""
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def has_ended(self, now: datetime) -> bool:
        """Tell whether no certificate of it can be valid, because one of its chain is not."""
        return now >= min(each.not_valid_after_utc for each in self.chain)


@dataclass(frozen=True, slots=True)
class Issuers:
    """All of them, the one that issues first, then the one that was replaced last.

    Of those that were replaced, :data:`MOST_FORMER` are known; the distrusted stay so for ever.
    """

    known: tuple[KnownIssuer, ...] = ()

    @property
    def former(self) -> tuple[Chain, ...]:
        """The chains of those that were replaced, and whose certificates still count."""
        return tuple(each.chain for each in self.known if each.replaced_at and not each.distrusted_at)

    def succeeded_by(self, chain: Chain, now: datetime) -> Issuers:
        """Return what is known from the moment when a CA issues.

        :param chain: its own; it may have issued before.
        :param now: aware UTC.
        :raises Unusable: when it is distrusted.
        """
        successor = KnownIssuer(chain)
        distrusted_at = self._distrusted_at(successor)
        if distrusted_at:
            raise Unusable(
                f"holds a CA whose key is distrusted since {distrusted_at:%Y-%m-%d %H:%M} UTC",
                "give another one by --ca-cert and --ca-cert-key",
            )
        others = (replace(each, replaced_at=each.replaced_at or now) for each in self.known)
        return _bounded([successor, *(each for each in others if each.certificate != chain[0])], now)

    def preceded_by(self, chain: Chain, now: datetime) -> Issuers:
        """Return what is known when a CA issued before, of which perhaps nothing was noted."""
        if any(each.certificate == chain[0] for each in self.known):
            return self
        former = KnownIssuer(chain, now, self._distrusted_at(KnownIssuer(chain)))
        return _bounded([*self.known, former], now)

    def distrusting(self, sha256: bytes, now: datetime) -> Issuers:
        """Return what is known when a CA's certificates count no more, whichever certificate of its key they lead to.

        :param sha256: the fingerprint of its certificate, 32 bytes.
        :param now: aware UTC.
        :raises Refused: ``unknown-issuer`` when there is none, ``issuer-in-use`` when its key signs now.
        """
        found = next((each for each in self.known if each.sha256 == sha256), None)
        if found is None:
            raise Refused(Reason.UNKNOWN_ISSUER, sha256.hex(":").upper())
        doomed = self._with_key_of(found)
        if any(each.replaced_at is None for each in doomed):
            raise Refused(Reason.ISSUER_IN_USE, found.certificate.subject.rfc4514_string())
        return Issuers(
            tuple(
                replace(each, distrusted_at=each.distrusted_at or now) if each in doomed else each
                for each in self.known
            )
        )

    def _distrusted_at(self, issuer: KnownIssuer) -> datetime | None:
        """Return since when a CA's key is distrusted, if it is."""
        return min((each.distrusted_at for each in self._with_key_of(issuer) if each.distrusted_at), default=None)

    def _with_key_of(self, issuer: KnownIssuer) -> list[KnownIssuer]:
        return [each for each in self.known if each.public_key == issuer.public_key]


def _bounded(known: Sequence[KnownIssuer], now: datetime) -> Issuers:
    """Keep those that were replaced last; those that have ended are the first to go, but only to make room."""

    def importance(issuer: KnownIssuer) -> tuple[bool, datetime]:
        return not issuer.has_ended(now), issuer.replaced_at or now

    present = [each for each in known if each.replaced_at is None]
    former = [each for each in known if each.replaced_at and not each.distrusted_at]
    former = sorted(former, key=importance, reverse=True)[:MOST_FORMER]
    former.sort(key=lambda each: each.replaced_at or now, reverse=True)
    return Issuers((*present, *former, *(each for each in known if each.distrusted_at)))
