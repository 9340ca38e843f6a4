"""The kinds of checker that ``--auth`` may name, before the core gives them what they need.

Each is made by a factory of Twisted's plug-ins (:class:`twisted.cred.strcred.ICheckerFactory`), which knows the
argument of ``--auth`` and nothing of the core.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from pkid.auth.certificates import FindEntry
from pkid.auth.component_credentials import IIdentityCertificate, IPlainResponse, IPskCode, IScramExchange, ISignature
from pkid.auth.component_keyring import ComponentKeyring
from pkid.auth.derivation import KeyDerivation
from pkid.auth.identity_checker import IdentityChecker
from pkid.auth.keyring import Keyring
from pkid.auth.keyring_checkers import keyring_checkers
from pkid.auth.psk_checker import IsReserved, PskChecker
from pkid.ca.names import TrustDomain

__all__ = ["Bound", "Certificates", "IUnboundChecker", "KeyDirectory", "PreSharedKeys", "StoredKeys", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the core gives to the checkers.

    :ivar psks: the pre-shared keys in service; *derivation* makes signing keys of them.
    :ivar store: the keyring of the core's own store.
    :ivar open_directory: opens the keyring of a directory of keys, or of the default one for an empty name.
    :ivar find_entry: finds a certificate in the ledger; *is_ours* tells whether the authority signed one.
    :ivar has_rights: tells whether a name is an admin's, or anything is granted to it.
    :ivar now: gives the wall-clock time in seconds since the epoch.
    :ivar monotonic: gives a time in seconds that never goes back.
    """

    psks: Keyring
    derivation: KeyDerivation
    store: ComponentKeyring
    open_directory: Callable[[str], ComponentKeyring]
    trust_domain: TrustDomain
    find_entry: FindEntry
    is_ours: Callable[[bytes], bool]
    has_rights: Callable[[str], bool]
    now: Callable[[], float]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Bound:
    """What is in service of one ``--auth``: checkers, and the keyring that says which names have credentials."""

    checkers: tuple[ICredentialsChecker, ...]
    keyring: ComponentKeyring | None = None


class IUnboundChecker(ICredentialsChecker):
    """A checker that accepts nobody before it is bound."""

    def bind(core: Surroundings, is_reserved: IsReserved) -> Bound:
        """Return what is to be in service."""


class _Unbound:
    """Accepts nobody."""

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Fail with ``UnauthorizedLogin``."""
        return fail(UnauthorizedLogin())


@implementer(IUnboundChecker)
class PreSharedKeys(_Unbound):
    """Names are proven by the pre-shared keys in service, as far as their policies go."""

    credentialInterfaces = (IPskCode,)

    def bind(self, core: Surroundings, is_reserved: IsReserved) -> Bound:
        """Return a checker of codes by a pre-shared key."""
        return Bound((PskChecker(core.psks, core.derivation, is_reserved),))


@implementer(IUnboundChecker)
class Certificates(_Unbound):
    """Names are proven by the identities in certificates of the authority's own."""

    credentialInterfaces = (IIdentityCertificate,)

    def bind(self, core: Surroundings, is_reserved: IsReserved) -> Bound:
        """Return a checker of certificates."""
        policy_of = core.psks.policy_of

        def now() -> datetime:
            return datetime.fromtimestamp(core.now(), UTC)

        checker = IdentityChecker(core.trust_domain, core.find_entry, core.is_ours, policy_of, is_reserved, now)
        return Bound((checker,))


@implementer(IUnboundChecker)
class StoredKeys(_Unbound):
    """Names are proven by the keys and passwords in the core's own store."""

    credentialInterfaces = (ISignature, IScramExchange, IPlainResponse)

    def bind(self, core: Surroundings, is_reserved: IsReserved) -> Bound:
        """Return a checker of each kind, and the store's keyring."""
        return Bound(tuple(keyring_checkers(core.store, core.now)), core.store)


@implementer(IUnboundChecker)
class KeyDirectory(_Unbound):
    """Names are proven by the keys and secrets in a directory of Rembus's layout.

    :param directory: its path; empty for the default one.
    """

    credentialInterfaces = (ISignature, IPlainResponse)

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def bind(self, core: Surroundings, is_reserved: IsReserved) -> Bound:
        """Return a checker of each kind, and the directory's keyring."""
        keyring = core.open_directory(self._directory)
        return Bound(tuple(keyring_checkers(keyring, core.now)), keyring)
