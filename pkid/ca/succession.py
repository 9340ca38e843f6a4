"""What a certificate may be renewed to: the same names or fewer, never others."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkid.ca.ledger import Entry
from pkid.ca.profile import Approved
from pkid.errors import Reason, Refused

__all__ = ["check_succession"]


def check_succession(approved: Approved, renewed: Entry) -> None:
    """Check that everything that an approved content names stands in the certificate that it is to succeed.

    That holds for the identity, the host names and addresses, and for the common name too, which must be the same or
    one of the host names, because old clients take it for one.

    :raises Refused: ``more-than-renewed`` with the first name that does not.
    """
    certificate = x509.load_der_x509_certificate(renewed.certificate)
    held = _names(certificate)
    subject = [] if approved.common_name is None else [approved.common_name]
    asked = [*approved.names.dns, *map(str, approved.names.ip), *approved.names.uri]
    excess = [name for name in asked if name not in held]
    excess += [name for name in subject if name not in _common_names(certificate)]
    if excess:
        raise Refused(Reason.MORE_THAN_RENEWED, repr(excess[0]))


def _names(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def _common_names(certificate: x509.Certificate) -> set[str]:
    """Return the common name and the host names, which may become one."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    common_names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {*names.get_values_for_type(x509.DNSName), *(str(name.value) for name in common_names)}
