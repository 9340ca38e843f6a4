"""What a certificate may be renewed to: the same names or fewer, never others."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkid.ca.ledger import Entry
from pkid.ca.profile import Approved
from pkid.ca.trust import names_of
from pkid.errors import Reason, Refused

__all__ = ["check_succession"]


def check_succession(approved: Approved, renewed: Entry) -> None:
    """Check that everything that an approved content names stands in the certificate that it is to succeed.

    That holds for the identity, the host names and addresses, and for the common name too, which must be the same or
    one of the host names, because old clients take it for one.

    :raises Refused: ``more-than-renewed`` with the first name that does not.
    """
    certificate = x509.load_der_x509_certificate(renewed.certificate)
    names = names_of(certificate)
    held = {*names.dns, *map(str, names.ip), *names.uri}
    asked = [*approved.names.dns, *map(str, approved.names.ip), *approved.names.uri]
    excess = [name for name in asked if name not in held]
    if approved.common_name not in {None, *names.dns, *_common_names(certificate)}:
        excess.append(str(approved.common_name))
    if excess:
        raise Refused(Reason.MORE_THAN_RENEWED, repr(excess[0]))


def _common_names(certificate: x509.Certificate) -> list[str]:
    return [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
