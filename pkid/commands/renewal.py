"""``certificate renew``: a new key and certificate with the same names, for what cannot ask for them itself."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkid.audit import Action, allowed, certificate_facts
from pkid.auth.credentials import Right
from pkid.ca.authority import Order
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.ledger import Entry
from pkid.ca.profile import Purpose
from pkid.ca.trust import names_of
from pkid.commands.command import Call, Command, Output
from pkid.commands.keypair import KEY_ARGUMENTS, KeyGeneration, file_name, key_files
from pkid.commands.ledger import CERTIFICATE_NAME, Certificates
from pkid.errors import Malformed, Reason
from pkid.issuance import Issuance
from pkid.resources import serial_digits

__all__ = ["certificate_renew"]


def certificate_renew(certificates: Certificates, issuance: Issuance, keys: KeyGeneration) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        asked = call.arguments
        former = await certificates.find(asked.certificate)
        if former.profile == Purpose.CORE.value:
            raise Malformed(Reason.COMMAND, "the core renews its own certificate by itself")
        certificate = x509.load_der_x509_certificate(former.certificate)
        kind = KeyType(asked.key_type) if asked.key_type else KeyType.of(certificate.public_key())
        request = _same_again(await keys.make(kind or KeyType.RSA2048), certificate)
        entry = await issuance.order(
            Order(request.request(), call.credential, call.policy, asked.days_valid, renews=former)
        )
        allowed(Action.RENEW, call.credential, call.peer, **certificate_facts(entry))
        return Output(files=key_files(_stem(entry), request.key, issuance.pem_chain(entry), asked.pem))

    return Command(
        name="certificate renew",
        info="make a new TLS key and certificate with the names of one that there is",
        right=Right.ADMIN,
        run=run,
        arguments=(CERTIFICATE_NAME, *KEY_ARGUMENTS),
        details=(
            "The former certificate stays valid until its end, and the ledger links the two. What can renew its own",
            "certificate, by /ca/renew, needs no such help.",
        ),
        examples=(
            "> certificate renew arangodb.local",
            "Received a file arangodb.local.key, which is stored to ./arangodb.local.key",
            "Received a file arangodb.local.crt, which is stored to ./arangodb.local.crt",
        ),
        gives_files=True,
    )


def _same_again(key: PrivateKey, former: x509.Certificate) -> Enrollment:
    subjects = former.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Enrollment(key, str(subjects[0].value) if subjects else "", names_of(former))


def _stem(entry: Entry) -> str:
    """Return what the files are called after: the name, or the serial number where that is no file's name."""
    try:
        return file_name(entry.name)
    except ValueError:
        return serial_digits(entry.serial)
