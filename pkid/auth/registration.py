"""Who may register a key for a name, and what becomes of it.

Names that have rights or a key of their own are for those who are meant by name: an admin, the holder of the name, a
pre-shared key that lists it, a PIN for it. Any other name of a tenant is for whoever knows the tenant's PIN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pkid.auth.attempts import Attempts
from pkid.auth.component_keyring import ComponentKeyring, Material, SharedSecret, StoredCredential
from pkid.auth.derivation import Offload
from pkid.auth.fairness import peer_key
from pkid.auth.one_time_pins import OneTimePins
from pkid.auth.proofs import Registration
from pkid.auth.psk_checker import IsReserved
from pkid.auth.public_keys import read_public_key
from pkid.auth.scram import ScramVerifier
from pkid.auth.tenants import DeclaredTenants
from pkid.ca.keys import PublicKey, key_bytes
from pkid.ca.policy import Policy
from pkid.errors import Reason, Refused, Unavailable

__all__ = ["Applicant", "Entitlement", "Registrar", "Registration"]

_PER_ADDRESS, _ADDRESS_SPAN = 5, timedelta(minutes=1)
_PER_TENANT, _TENANT_SPAN = 30, timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who wants a key to be registered.

    :ivar peer: the address that the connection comes from.
    :ivar component: the name that was proven on it.
    :ivar credential: by what, as :attr:`pkid.auth.proofs.Admission.credential`.
    :ivar is_admin: whether that is an admin's name.
    """

    peer: str
    component: str | None = None
    credential: str = ""
    is_admin: bool = False


class Entitlement:
    """Decides who may register a key for a name.

    :param policy_of: returns the policy of a pre-shared key, by what it is called in an admission.
    :param tenant_of: tells which tenant a name belongs to.
    :param offload: where PINs are compared, because that takes long on purpose.
    :param now: gives a time in seconds that never goes back.
    """

    def __init__(
        self,
        is_reserved: IsReserved,
        policy_of: Callable[[str], Policy | None],
        tenant_of: Callable[[str], str],
        tenants: DeclaredTenants,
        one_time: OneTimePins,
        offload: Offload,
        now: Callable[[], float],
    ) -> None:
        self._is_reserved = is_reserved
        self._policy_of = policy_of
        self._tenant_of = tenant_of
        self._tenants = tenants
        self._one_time = one_time
        self._offload = offload
        self._of_address = Attempts(_PER_ADDRESS, _ADDRESS_SPAN, now)
        self._of_tenant = Attempts(_PER_TENANT, _TENANT_SPAN, now)

    async def check(self, component: str, pin: str | None, applicant: Applicant) -> str:
        """Check that somebody may register a key for a name, and return what entitles to it, for the trail.

        :raises Refused: ``not-entitled``, ``wrong-pin`` or ``name-taken``.
        :raises Unavailable: ``busy`` after too many wrong PINs.
        """
        if applicant.is_admin:
            return applicant.component or ""
        if applicant.component is not None:
            self._check_holder(component, applicant)
            return applicant.credential
        if pin is None:
            raise Refused(Reason.NOT_ENTITLED, component)
        return await self._check_pin(component, pin, peer_key(applicant.peer))

    def _check_holder(self, component: str, applicant: Applicant) -> None:
        kind, credential = applicant.credential.partition(":")[0], applicant.credential
        policy = self._policy_of(credential) if kind == "psk" else None
        lists = policy is not None and policy.lists(component)
        if applicant.component != component or not (kind == "key" or lists):
            raise Refused(Reason.NOT_ENTITLED, component)

    async def _check_pin(self, component: str, pin: str, address: str) -> str:
        self._of_address.begin(address)
        if await self._one_time.use(component, pin):
            self._of_address.take_back(address)
            return f"pin:{component}"
        tenant = self._tenant_of(component)
        pins = self._tenants.pins(tenant)
        if not pins:
            raise Refused(Reason.WRONG_PIN)
        self._of_tenant.begin(tenant)
        if not await self._offload(lambda: any([each.matches(pin) for each in pins])):
            raise Refused(Reason.WRONG_PIN)
        self._of_address.take_back(address)
        self._of_tenant.take_back(tenant)
        if await self._is_reserved(component):
            raise Refused(Reason.NAME_TAKEN, component)
        return f"tenant:{tenant}"


class Registrar:
    """Puts keys into the core's own keyring, and takes them out.

    :param identifier: gives a name for a new credential that no other has.
    """

    def __init__(self, keyring: ComponentKeyring, entitlement: Entitlement, identifier: Callable[[], str]) -> None:
        self._keyring = keyring
        self._entitlement = entitlement
        self._identifier = identifier
        self._under_way: set[str] = set()

    async def register(self, component: str, registration: Registration, applicant: Applicant) -> StoredCredential:
        """Register a key if somebody is entitled to; one that is registered already is left as it is.

        :raises Refused: as :meth:`Entitlement.check`, and ``weak-key``, ``bad-name`` or ``limit``.
        :raises Malformed: ``weak-key`` when it is no key.
        :raises Unavailable: ``busy``, also when another key for this name is being registered at this moment.
        """
        key = read_public_key(registration.key)
        if component in self._under_way:
            raise Unavailable(Reason.BUSY)
        self._under_way.add(component)
        try:
            by = await self._entitlement.check(component, registration.pin, applicant)
            return await self._find(component, key, registration) or await self.add(
                component, key, registration.expires, by
            )
        finally:
            self._under_way.discard(component)

    async def unregister(self, component: str, credential: str) -> list[str]:
        """Forget the key by which a component proved its name, or all of its keys if that was something else.

        Returns the credentials that are no more, as ``key:IDENTIFIER``.

        :raises Refused: ``kept-elsewhere`` when there is none in the core's own keyring.
        """
        kind, _, identifier = credential.partition(":")
        stored = [each.identifier for each in await self._keyring.find(component)]
        doomed = [each for each in stored if kind != "key" or each == identifier]
        if not doomed:
            raise Refused(Reason.KEPT_ELSEWHERE, component)
        for each in doomed:
            await self._keyring.revoke(each)
        return [f"key:{each}" for each in doomed]

    async def add(
        self, component: str, material: Material, expires: datetime | None = None, by: str = ""
    ) -> StoredCredential:
        """Store a credential that an admin gave; nobody is asked whether that is right.

        :param by: who gave it, as the trail is to tell.
        :raises Refused: ``bad-name``, ``weak-key`` or ``limit``.
        """
        credential = StoredCredential(self._identifier(), component, material, expires, created_by=by)
        await self._keyring.add(credential)
        return credential

    async def _find(self, component: str, key: PublicKey, wanted: Registration) -> StoredCredential | None:
        alike = (each for each in await self._keyring.find(component) if each.expires == wanted.expires)
        for credential in alike:
            material = credential.material
            if not isinstance(material, ScramVerifier | SharedSecret) and key_bytes(material) == key_bytes(key):
                return credential
        return None
