"""The authority: takes orders, judges, signs and writes them down, a group at a time.

All of it happens within one ledger transaction. The caller commits it, and only then lets anything out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from pkid.ca.chain import is_der_issued_by, is_issued_by
from pkid.ca.issuer import Issuer, Spread
from pkid.ca.keys import KeyType, PublicKey
from pkid.ca.leaf import Leaf
from pkid.ca.ledger import Entry, Ledger, RequestKey
from pkid.ca.names import Names
from pkid.ca.pem import write_certificates
from pkid.ca.policy import Policy
from pkid.ca.profile import Approved, Profile
from pkid.ca.recognition import Chain, Recognition
from pkid.ca.renewal import renewal_due
from pkid.ca.request import read_request
from pkid.ca.succession import check_succession
from pkid.ca.trust import pem
from pkid.errors import PkidError, Reason, Unavailable

__all__ = ["RETRY_WINDOW", "Authority", "Chain", "Order"]

RETRY_WINDOW = timedelta(minutes=5)
"""For how long the same request with the same credential gets the same certificate."""

_Wanted = tuple[Approved, "Order"]


@dataclass(frozen=True, slots=True)
class Order:
    """One request to sign: the body as it came, who asks (``psk:default``), and which names that one may ask for.

    :ivar lifetime: how long the certificate is to be valid; ``None`` leaves it to the profile.
    :ivar renews: the certificate that is to be renewed, and whose names the new one may not exceed.
    """

    body: bytes
    credential: str
    policy: Policy
    lifetime: timedelta | None = None
    renews: Entry | None = None


class Authority:
    """Judges by a profile, signs with an issuer, and leaves nothing unrecorded.

    Both may be replaced while it works in another thread: a group is done with those that it began with.

    :param now: gives the wall-clock time, aware UTC.
    :param serial: gives a random positive number of at least 128 bits.
    :param former: the chains of issuers whose certificates are still recognised.
    :param spread: signs several contents at once, where the issuer's key takes long for each.
    """

    def __init__(
        self,
        issuer: Issuer,
        profile: Profile,
        now: Callable[[], datetime],
        serial: Callable[[], int],
        former: Iterable[Chain] = (),
        spread: Spread = map,
    ) -> None:
        self._mandate = _Mandate(issuer, profile)
        self._former = tuple(former)
        self._recognition = Recognition()
        self._now = now
        self._serial = serial
        self._spread = spread

    @property
    def issuer(self) -> Issuer:
        """What signs."""
        return self._mandate.issuer

    @property
    def profile(self) -> Profile:
        """The rules that it judges by; they may be replaced."""
        return self._mandate.profile

    @profile.setter
    def profile(self, profile: Profile) -> None:
        self._mandate = _Mandate(self.issuer, profile)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains of all issuers whose certificates are recognised, the current one first."""
        return (self.issuer.chain, *self._former)

    @property
    def former(self) -> tuple[Chain, ...]:
        """The chains of the issuers that were replaced; they may be exchanged."""
        return self._former

    @former.setter
    def former(self, former: Iterable[Chain]) -> None:
        self._former = tuple(former)

    def succeed(self, issuer: Issuer) -> None:
        """Sign with another issuer from now on; certificates of those before are still recognised."""
        self._former = tuple(chain for chain in self.chains if chain[0] != issuer.certificate)
        self._mandate = _Mandate(issuer, replace(self.profile, issuer_key=issuer.key.public_key()))

    def recognises(self, certificate: bytes) -> bool:
        """Tell whether a certificate (DER), which may be anything, is signed by an issuer that is known."""
        return self._chain_above(certificate) is not None

    def pem_chain(self, certificate: bytes) -> bytes:
        """Return a certificate (DER) of a known issuer, and what leads from it to the root but for the root, in PEM."""
        chain = self._chain_above(certificate) if any(len(chain) > 1 for chain in self.chains) else None
        return pem(certificate) + write_certificates((chain or ())[:-1])

    def fulfil(self, orders: Sequence[Order], ledger: Ledger) -> list[Entry | PkidError]:
        """Answer each order with its entry, or with the error that stands against it.

        A repeated order gets the entry that it got before, unless that is already to be renewed; a bad order spoils
        no other.
        """
        mandate, now = self._mandate, self._now()
        verdicts = [mandate.judge(order) for order in orders]
        wanted: dict[RequestKey, _Wanted] = {}
        for verdict, order in zip(verdicts, orders, strict=True):
            if isinstance(verdict, Approved):
                wanted.setdefault(_request_key(verdict, order), (verdict, order))
        recalled = ledger.recall(list(wanted), now - RETRY_WINDOW)
        known = {key: entry for key, entry in recalled.items() if mandate.is_current(entry, now)}
        signed = self._sign(mandate, {key: each for key, each in wanted.items() if key not in known}, now)
        ledger.record([entry for entry in signed.values() if isinstance(entry, Entry)])
        answers = known | signed
        return [
            answers[_request_key(verdict, order)] if isinstance(verdict, Approved) else verdict
            for verdict, order in zip(verdicts, orders, strict=True)
        ]

    def certify_core(self, public_key: PublicKey, names: Names, ledger: Ledger) -> Entry:
        """Sign and record the core's own certificate."""
        mandate, now = self._mandate, self._now()
        approved = mandate.profile.approve_core(public_key, names)
        (leaf,) = mandate.issuer.issue([(approved, self._serial())], now)
        entry = _entry(leaf, approved, now, "core")
        ledger.record([entry])
        return entry

    def self_test(self, ledger: Ledger) -> None:
        """Prove that certificates can be signed and the ledger written, with a throw-away one that never leaves.

        :raises Unavailable: when it does not work.
        """
        mandate = self._mandate
        public_key = KeyType.P256.generate().public_key()
        approved = mandate.profile.approve_self_test(public_key)
        certificate = mandate.issuer.sign(approved, self._now(), self._serial())
        if not is_issued_by(certificate, mandate.issuer.certificate):
            raise Unavailable(Reason.SELF_TEST, "the signature does not verify")
        ledger.touch()

    def _chain_above(self, certificate: bytes) -> Chain | None:
        return self._recognition.chain_above(certificate, self.chains)

    def _sign(
        self, mandate: _Mandate, wanted: dict[RequestKey, _Wanted], now: datetime
    ) -> dict[RequestKey, Entry | PkidError]:
        """Sign what is approved, all of it in this moment; what stands against one stands against all."""
        if not wanted:
            return {}
        numbered = [(approved, self._serial()) for approved, _ in wanted.values()]
        try:
            leaves = mandate.issuer.issue(numbered, now, self._spread)
        except PkidError as error:
            return dict.fromkeys(wanted, error)
        return {
            key: _entry(leaf, approved, now, order.credential, order.renews)
            for (key, (approved, order)), leaf in zip(wanted.items(), leaves, strict=True)
        }


@dataclass(frozen=True, slots=True)
class _Mandate:
    """An issuer and the rules for it, which belong together."""

    issuer: Issuer
    profile: Profile

    def judge(self, order: Order) -> Approved | PkidError:
        try:
            approved = self.profile.check(read_request(order.body), order.lifetime, order.policy)
            if order.renews is not None:
                check_succession(approved, order.renews)
        except PkidError as error:
            return error
        return approved

    def is_current(self, entry: Entry, now: datetime) -> bool:
        """Tell whether a recalled entry is good to be given again: of this issuer, valid, not soon to be renewed.

        One from the future was signed before the clock was set back, and one that lasts too long before the rules were
        changed.
        """
        begun = entry.not_before <= now and entry.issued_at <= now
        lasting = (
            now < renewal_due(entry.not_before, entry.not_after) and entry.not_after <= now + self.profile.lifetime
        )
        return begun and lasting and is_der_issued_by(entry.certificate, self.issuer.certificate)


def _entry(leaf: Leaf, approved: Approved, now: datetime, credential: str, renews: Entry | None = None) -> Entry:
    return Entry(
        serial=leaf.serial,
        name=approved.name,
        proven=approved.proven,
        profile=approved.purpose.value,
        credential=credential,
        csr_sha256=approved.csr_sha256,
        sha256=sha256(leaf.certificate).digest(),
        issued_at=now,
        not_before=leaf.validity.start,
        not_after=leaf.validity.end,
        certificate=leaf.certificate,
        renews=None if renews is None else renews.serial,
        origin=credential if renews is None else renews.origin,
    )


def _request_key(approved: Approved, order: Order) -> RequestKey:
    assert approved.csr_sha256 is not None
    return approved.csr_sha256, order.credential
