"""What may stand in a certificate: a request goes in, an approved value comes out.

Only a :class:`Profile` makes an :class:`Approved`, and an issuer signs nothing else, so that what was not checked
cannot be signed. Nothing is copied from a request: each field is made anew from what was checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Final, NoReturn, Self, final

from cryptography import x509

from pkid.ca.keys import PublicKey, key_bytes
from pkid.ca.names import CORE_PATH, IPAddress, Names, TrustDomain, common_name, host_name, ip_name, is_host_name
from pkid.ca.policy import ANY_NAME, Policy
from pkid.ca.request import CertificateRequest
from pkid.ca.reserved import find_reserved
from pkid.errors import Malformed, Reason, Refused

__all__ = ["Approved", "Profile", "Purpose"]

NO_NAMES: Final = Names()
_SEAL: Final = object()
_SELF_TEST_LIFETIME = timedelta(minutes=5)
_SELF_TEST_NAME = "self-test.invalid"


class Purpose(Enum):
    """What a certificate is made as; it stands in the ledger."""

    COMPONENT = "component"
    CORE = "core"
    SELF_TEST = "self-test"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Approved:
    """The content of a certificate that may be signed; made by :class:`Profile` alone, and not to be altered.

    :ivar key_info: the public key, as for :class:`~pkid.ca.request.CertificateRequest`.
    """

    seal: InitVar[object]
    purpose: Purpose
    key_info: bytes
    names: Names
    lifetime: timedelta
    _: KW_ONLY
    name: str
    proven: bool = False
    common_name: str | None = None
    csr_sha256: bytes | None = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only a Profile approves")

    def __copy__(self) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("what is approved is signed at once, and not kept")


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules by which the authority judges what it is asked to sign.

    :ivar trust_domain: whose identities it gives.
    :ivar lifetime: how long a certificate is valid; its issuer's end may shorten that.
    :ivar issuer_key: the authority's own public key, which no leaf may have.
    :ivar forbidden: the core's names, which with loopback nobody else may have; none forbid nothing.
    :ivar most_names: how many names one certificate may hold.
    """

    trust_domain: TrustDomain
    lifetime: timedelta
    issuer_key: PublicKey
    forbidden: Names = NO_NAMES
    most_names: int = 256
    _issuer_key_info: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_issuer_key_info", key_bytes(self.issuer_key))

    def check(
        self, request: CertificateRequest, lifetime: timedelta | None = None, policy: Policy = ANY_NAME
    ) -> Approved:
        """Judge a component's request.

        Without alternative names the common name becomes a DNS name, if it is a host name. An identity is given
        only when asked for, and only of this trust domain.

        :param lifetime: how long the certificate is to be valid; the profile's own lifetime is the most, and what
            ``None`` gets. The issuer's end may shorten either.
        :param policy: which names the caller may ask for.
        :raises Malformed: when it has several common names.
        :raises Refused: with the reason why nothing can be signed.
        """
        if request.wants_ca:
            raise Refused(Reason.WANTS_CA)
        if request.key_info == self._issuer_key_info:
            raise Refused(Reason.ISSUER_KEY)
        subject = _single_common_name(request.common_names)
        if subject == CORE_PATH:
            raise Refused(Reason.BAD_NAME, repr(subject))
        names = self._names(request, subject)
        self._check_allowed(names, subject)
        policy.check(names, subject, self.trust_domain)
        return Approved(
            _SEAL,
            Purpose.COMPONENT,
            request.key_info,
            names,
            self._lifetime(lifetime),
            name=self._component_name(names, subject),
            proven=bool(names.uri),
            common_name=subject,
            csr_sha256=request.sha256,
        )

    def approve_core(self, public_key: PublicKey, names: Names) -> Approved:
        """Approve the core's own certificate for its host names and addresses, with its identity."""
        identified = Names.of(names.dns, names.ip, (self.trust_domain.core,))
        return Approved(
            _SEAL,
            Purpose.CORE,
            key_bytes(public_key),
            identified,
            self.lifetime,
            name=CORE_PATH,
            proven=True,
            common_name="pkid",
        )

    def approve_self_test(self, public_key: PublicKey) -> Approved:
        """Approve a throw-away certificate, by which the authority proves that it can sign; it must never leave."""
        names = Names(dns=(_SELF_TEST_NAME,))
        key_info = key_bytes(public_key)
        return Approved(_SEAL, Purpose.SELF_TEST, key_info, names, _SELF_TEST_LIFETIME, name=_SELF_TEST_NAME)

    def _lifetime(self, asked: timedelta | None) -> timedelta:
        if asked is not None and asked > self.lifetime:
            raise Refused(Reason.TOO_LONG, str(self.lifetime).removesuffix(", 0:00:00"))
        return asked or self.lifetime

    def _names(self, request: CertificateRequest, subject: str | None) -> Names:
        count = len(request.alternative_names)
        if count > self.most_names:
            raise Refused(Reason.TOO_MANY_NAMES, str(count))
        if count:
            return self._alternative_names(request.alternative_names)
        if subject is None or not is_host_name(subject):
            raise Refused(Reason.NO_NAME)
        return Names(dns=(host_name(subject),))

    def _alternative_names(self, asked: Iterable[x509.GeneralName]) -> Names:
        dns: list[str] = []
        ip: list[IPAddress] = []
        uri: list[str] = []
        for name in asked:
            match name:
                case x509.DNSName(value=value):
                    dns.append(host_name(value))
                case x509.IPAddress(value=value):
                    ip.append(ip_name(value))
                case x509.UniformResourceIdentifier(value=value):
                    uri.append(self.trust_domain.identity(self.trust_domain.component(value)))
                case _:
                    raise Refused(Reason.BAD_NAME, f"of type {type(name).__name__}")
        if len(set(uri)) > 1:
            raise Refused(Reason.BAD_IDENTITY, f"(one of {len(set(uri))})")
        return Names.of(tuple(dns), tuple(ip), tuple(uri))

    def _check_allowed(self, names: Names, subject: str | None) -> None:
        """Refuse what only the core may have."""
        if not self.forbidden:
            return
        denied = find_reserved(names, subject, self.forbidden)
        if denied is not None:
            raise Refused(Reason.NOT_ALLOWED, denied)

    def _component_name(self, names: Names, subject: str | None) -> str:
        if names.uri:
            return self.trust_domain.component(names.uri[0])
        return subject or next(iter((*names.dns, *(str(address) for address in names.ip))))


def _single_common_name(common_names: tuple[str, ...]) -> str | None:
    if len(common_names) > 1:
        raise Malformed(Reason.BAD_REQUEST, "it has more than one common name")
    return common_name(common_names[0]) if common_names else None
