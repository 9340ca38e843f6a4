"""Puts to work the checkers that the operator chose: bound to what the core knows, behind one portal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword

from pkid.auth.attempts import Attempts
from pkid.auth.component_credentials import IPskCode
from pkid.auth.component_keyring import ComponentKeyring, MemoryKeyring, StoredCredential
from pkid.auth.component_portal import component_portal
from pkid.auth.decoys import Decoys
from pkid.auth.keyring_checkers import keyring_checkers
from pkid.auth.logins import SCHEMES, Logins
from pkid.auth.offers import Offers
from pkid.auth.password_checker import ATTEMPTS_SPAN, MOST_ATTEMPTS, PasswordChecker
from pkid.auth.schemes import Scheme
from pkid.auth.unbound import Bound, IUnboundChecker, Surroundings

__all__ = ["Authentication"]


MakeDecoys = Callable[[Sequence[ComponentKeyring]], Decoys]
"""Makes decoys that look like what is in some keyrings."""


class Authentication:
    """All that proves a component's name.

    :param chosen: the checkers, each with the kind that the operator called it by, in the operator's order.
    :param make_decoys: makes what hides which names have a credential; for a core that serves proven names only.
    :ivar keyrings: where stored credentials are, in the same order.
    :ivar logins: begins the login of each connection.
    :raises ValueError: when a checker takes no credentials that pkid has.
    """

    def __init__(
        self,
        chosen: Sequence[tuple[str, ICredentialsChecker]],
        core: Surroundings,
        make_decoys: MakeDecoys | None = None,
    ) -> None:
        self._core = core
        self._attempts = Attempts(MOST_ATTEMPTS, ATTEMPTS_SPAN, core.monotonic)
        bound = [self._bind(kind, checker) for kind, checker in chosen]
        self.keyrings: tuple[ComponentKeyring, ...] = tuple(each.keyring for each in bound if each.keyring is not None)
        decoys = None if make_decoys is None else make_decoys(self.keyrings)
        checkers = [checker for each in bound for checker in each.checkers]
        self._offers = Offers([keyring.find for keyring in self.keyrings], _beside(checkers, decoys), decoys)
        if decoys is not None:
            checkers += keyring_checkers(MemoryKeyring(), core.now, self._offers.find_decoy)
        self.logins = Logins(component_portal(checkers), self._offers, core.trust_domain)

    async def find(self, component: str) -> Sequence[StoredCredential]:
        """Return the stored credentials of a name, in whichever keyring; expired ones too."""
        return await self._offers.find(component)

    async def is_reserved(self, component: str) -> bool:
        """Tell whether a name has rights or a credential, so that only who is meant by name may have it."""
        return self._core.has_rights(component) or bool(await self._offers.find(component))

    def _bind(self, kind: str, checker: ICredentialsChecker) -> Bound:
        if IUnboundChecker.providedBy(checker):
            bound: Bound = checker.bind(self._core, self.is_reserved)
            return bound
        if IUsernamePassword in checker.credentialInterfaces:
            return Bound((PasswordChecker(kind, checker, self.find, self._attempts),))
        if any(interface in SCHEMES for interface in checker.credentialInterfaces):
            return Bound((checker,))
        raise ValueError(f"{kind} takes no credentials that a component of pkid has")


def _beside(checkers: Iterable[ICredentialsChecker], decoys: Decoys | None) -> list[Scheme]:
    """Return the schemes that names with a credential may use beside its own.

    A password is for names without one, and offered to all where none may tell which these are.
    """
    checked = {interface for checker in checkers for interface in checker.credentialInterfaces}
    beside = [Scheme.PSK] if IPskCode in checked else []
    return beside + ([Scheme.PASSWORD] if decoys is not None and IUsernamePassword in checked else [])
