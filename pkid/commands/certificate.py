"""``certificate create``: a key and a certificate for something that cannot ask for them itself.

Nothing is written to the core's disk but the ledger's row: key and certificate leave as files in memory.
"""

from __future__ import annotations

from pkid.audit import Action, allowed, certificate_facts
from pkid.auth.credentials import Right
from pkid.ca.authority import Order
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType
from pkid.ca.names import common_name, host_name, ip_name
from pkid.commands.command import Argument, Call, Command, Output
from pkid.commands.keypair import KEY_ARGUMENTS, KeyGeneration, file_name, key_files
from pkid.issuance import Issuance

__all__ = ["certificate_create"]

_ARGUMENTS = (
    Argument(
        name="--common-name",
        shown="NAME",
        info="the name that the certificate is for; the files are called after it",
        read=lambda word: file_name(common_name(word)),
        required=True,
    ),
    Argument(
        name="--dns-names",
        shown="NAME",
        info="host names that it is valid for; without any names, the common name if it is a host name",
        read=host_name,
        repeated=True,
        default=(),
    ),
    Argument(
        name="--ip-addresses",
        shown="ADDRESS",
        info="addresses that it is valid for",
        read=ip_name,
        repeated=True,
        default=(),
    ),
    *KEY_ARGUMENTS,
)


def certificate_create(issuance: Issuance, keys: KeyGeneration) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        asked = call.arguments
        key = await keys.make(KeyType(asked.key_type or KeyType.RSA2048))
        request = Enrollment.of(key, asked.common_name, asked.dns_names, asked.ip_addresses).request()
        entry = await issuance.order(Order(request, call.credential, call.policy, asked.days_valid))
        allowed(Action.SIGN, call.credential, call.peer, **certificate_facts(entry))
        return Output(files=key_files(asked.common_name, key, issuance.pem_chain(entry), asked.pem))

    return Command(
        name="certificate create",
        info="make a TLS key and a certificate for it",
        right=Right.ADMIN,
        run=run,
        arguments=_ARGUMENTS,
        details=(
            "The core's CA signs the certificate, for servers and clients. The key is new, not encrypted, and the core",
            "keeps no copy: store it well, so that only its owner can read it.",
        ),
        examples=(
            "> certificate create --common-name arangodb.local --dns-names arangodb.local localhost",
            "Received a file arangodb.local.key, which is stored to ./arangodb.local.key",
            "Received a file arangodb.local.crt, which is stored to ./arangodb.local.crt",
        ),
        gives_files=True,
    )
