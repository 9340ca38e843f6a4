"""``certificate create``: a key and a certificate for something that cannot ask for them itself.

Nothing is written to the core's disk but the ledger's row: key and certificate leave as files in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from pkid.audit import Action, allowed, certificate_facts
from pkid.auth.credentials import Right
from pkid.auth.derivation import Offload
from pkid.ca.authority import Order
from pkid.ca.enrollment import Enrollment
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.names import common_name, host_name, ip_name
from pkid.commands.command import Argument, Call, Command, File, Output
from pkid.errors import Reason, Unavailable
from pkid.issuance import Issuance

__all__ = ["certificate_create"]

_LONGEST_LIFE = 3650  # days

_ARGUMENTS = (
    Argument(
        name="--common-name",
        shown="NAME",
        info="the name that the certificate is for; the files are called after it",
        read=lambda word: _file_name(common_name(word)),
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
    Argument(
        name="--days-valid",
        shown="DAYS",
        info=f"how long it is valid, 1 to {_LONGEST_LIFE}; the core's --leaf-lifetime if it is left out",
        read=lambda word: _days(word),
    ),
    Argument(name="--pem", info="give one file, the certificate and then the key, as ArangoDB reads it"),
    Argument(
        name="--key-type",
        shown="TYPE",
        info=f"one of {', '.join(kind.value for kind in KeyType)}; rsa2048 if it is left out",
        choices=tuple(kind.value for kind in KeyType),
        default=KeyType.RSA2048.value,
    ),
)


def certificate_create(issuance: Issuance, offload: Offload, waiting: int = 64) -> Command:
    """Return the command.

    :param offload: makes keys away from the reactor, which takes up to seconds.
    :param waiting: how many keys may be in the making; then the core is busy.
    """
    return Command(
        name="certificate create",
        info="make a TLS key and a certificate for it",
        right=Right.ADMIN,
        run=_Creation(issuance, offload, waiting).run,
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


class _Creation:
    """Makes keys, a bounded number at a time, and orders certificates for them."""

    def __init__(self, issuance: Issuance, offload: Offload, waiting: int) -> None:
        self._issuance = issuance
        self._offload = offload
        self._capacity = waiting

    async def run(self, call: Call) -> Output:
        asked = call.arguments
        key = await self._key(KeyType(asked.key_type).generate)
        request = Enrollment.of(key, asked.common_name, asked.dns_names, asked.ip_addresses).request()
        entry = await self._issuance.order(Order(request, call.credential, call.policy, asked.days_valid))
        allowed(Action.SIGN, call.credential, call.peer, **certificate_facts(entry))
        return Output(files=_files(asked.common_name, key, self._issuance.pem_chain(entry), asked.pem))

    async def _key(self, generate: Callable[[], PrivateKey]) -> PrivateKey:
        if not self._capacity:
            raise Unavailable(Reason.BUSY)
        self._capacity -= 1
        answer: Deferred[PrivateKey] = Deferred()  # who leaves cancels this one: a thread cannot be called back
        self._offload(generate).addBoth(self._made).addCallbacks(answer.callback, answer.errback)
        return await answer

    def _made(self, result: PrivateKey | Failure) -> PrivateKey | Failure:
        self._capacity += 1
        return result


def _files(name: str, key: PrivateKey, certificate: bytes, together: bool) -> tuple[File, ...]:
    """Return the files as the originals have them: RSA keys in the form of PKCS #1 (RFC 8017, A.1.2)."""
    form = PrivateFormat.TraditionalOpenSSL if isinstance(key, RSAPrivateKey) else PrivateFormat.PKCS8
    key_pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
    if together:
        return (File(f"{name}.pem", certificate + key_pem),)
    return File(f"{name}.key", key_pem), File(f"{name}.crt", certificate)


def _file_name(name: str) -> str:
    """Refuse a common name that could be more than a file's name, or an option of a command for files."""
    if name.startswith((".", "-")) or any(mark in name for mark in "/\\:"):
        raise ValueError(f"the files are called after it, so no slash, no colon, no dot or dash at its start: {name!r}")
    return name


def _days(word: str) -> timedelta:
    if not word.isascii() or not word.isdigit() or len(word) > 9:
        raise ValueError(f"invalid int value: {word!r}")
    if not 1 <= int(word) <= _LONGEST_LIFE:
        raise ValueError(f"expected 1 to {_LONGEST_LIFE} days: {word}")
    return timedelta(days=int(word))
