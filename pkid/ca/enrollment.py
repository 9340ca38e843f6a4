"""A component's side of issuing: its key, the names that it asks for, the request, and the check of what comes back.

Nothing here sends anything; a key is given, because making one can take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkid.ca.keys import PrivateKey, digest_for
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, Names, TrustDomain, common_name, host_name, ip_name, is_host_name
from pkid.ca.trust import check_certificate
from pkid.errors import Reason, Refused

__all__ = ["Enrollment", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for, before there is a key; made by :meth:`of`."""

    common_name: str
    names: Names

    @classmethod
    def of(
        cls,
        subject: str,
        dns_names: Iterable[str] = (),
        ip_addresses: Iterable[object] = (),
        component: str | None = None,
        trust_domain: str = DEFAULT_TRUST_DOMAIN,
    ) -> Self:
        """Check what is wanted by the rules that the core has, too.

        :param subject: the common name; without other names it becomes a DNS name, if it is a host name.
        :param component: the component's name, for an identity in *trust_domain*.
        :raises Refused: when a name is not acceptable, or there is none.
        """
        dns = tuple(host_name(name) for name in dns_names)
        ip = tuple(ip_name(address) for address in ip_addresses)
        uri = () if component is None else (TrustDomain(trust_domain).identity(component),)
        if not (dns or ip or uri) and is_host_name(subject):
            dns = (host_name(subject),)
        names = Names.of(dns, ip, uri)
        if not names:
            raise Refused(Reason.NO_NAME)
        return cls(common_name(subject), names)

    def enroll(self, key: PrivateKey) -> Enrollment:
        """Return what is wanted for this key."""
        return Enrollment(key, self.common_name, self.names)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One certificate that a component wants; made by :meth:`of`, or :meth:`Subject.enroll`."""

    key: PrivateKey = field(repr=False)
    common_name: str
    names: Names

    @classmethod
    def of(
        cls,
        key: PrivateKey,
        subject: str,
        dns_names: Iterable[str] = (),
        ip_addresses: Iterable[object] = (),
        component: str | None = None,
        trust_domain: str = DEFAULT_TRUST_DOMAIN,
    ) -> Self:
        """Check what is wanted by the rules that the core has, too; the parameters are those of :meth:`Subject.of`.

        :raises Refused: when a name is not acceptable, or there is none.
        """
        wanted = Subject.of(subject, dns_names, ip_addresses, component, trust_domain)
        return cls(key, wanted.common_name, wanted.names)

    def request(self) -> bytes:
        """Return the request (PKCS #10, RFC 2986) in PEM, signed by the key."""
        named = [x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)] if self.common_name else []
        subject = x509.Name(named)
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in self.names.dns]
        names += [x509.IPAddress(address) for address in self.names.ip]
        names += [x509.UniformResourceIdentifier(uri) for uri in self.names.uri]
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        digest: hashes.HashAlgorithm | None = digest_for(self.key)
        return builder.sign(self.key, digest).public_bytes(Encoding.PEM)  # type: ignore[arg-type]

    def check(
        self,
        certificate: x509.Certificate,
        authority: x509.Certificate,
        now: datetime,
        intermediates: Iterable[x509.Certificate] = (),
    ) -> None:
        """Check that a certificate is the one wanted, and can be used now.

        :param now: aware UTC.
        :raises UnfitCertificate: otherwise.
        """
        check_certificate(certificate, self.key.public_key(), self.names, authority, now, intermediates)
