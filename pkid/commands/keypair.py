"""What the commands share that make a key and a certificate for it: their options, the key, the files."""

from __future__ import annotations

from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from pkid.auth.derivation import Offload
from pkid.ca.keys import KeyType, PrivateKey
from pkid.commands.command import Argument, File
from pkid.errors import Reason, Unavailable

__all__ = ["KEY_ARGUMENTS", "KeyGeneration", "file_name", "key_files"]

_LONGEST_LIFE = 3650  # days

KEY_ARGUMENTS = (
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
        info=f"one of {', '.join(kind.value for kind in KeyType)}; rsa2048, or the former one's, if it is left out",
        choices=tuple(kind.value for kind in KeyType),
    ),
)
"""How long, in which form, and with which kind of key."""


class KeyGeneration:
    """Makes keys, a bounded number at a time.

    :param offload: works away from the reactor, for up to seconds.
    :param waiting: how many keys may be in the making; then the core is busy.
    """

    def __init__(self, offload: Offload, waiting: int = 64) -> None:
        self._offload = offload
        self._capacity = waiting

    async def make(self, kind: KeyType) -> PrivateKey:
        """Make a key.

        :raises Unavailable: ``busy``.
        """
        if not self._capacity:
            raise Unavailable(Reason.BUSY)
        self._capacity -= 1
        answer: Deferred[PrivateKey] = Deferred()  # who leaves cancels this one: a thread cannot be called back
        self._offload(kind.generate).addBoth(self._made).addCallbacks(answer.callback, answer.errback)
        return await answer

    def _made(self, result: PrivateKey | Failure) -> PrivateKey | Failure:
        self._capacity += 1
        return result


def key_files(name: str, key: PrivateKey, certificate: bytes, together: bool) -> tuple[File, ...]:
    """Return the files as the originals have them: RSA keys in the form of PKCS #1 (RFC 8017, A.1.2).

    :param certificate: it, and what leads to the root, in PEM.
    :param together: whether all is to be one file.
    """
    form = PrivateFormat.TraditionalOpenSSL if isinstance(key, RSAPrivateKey) else PrivateFormat.PKCS8
    key_pem = key.private_bytes(Encoding.PEM, form, NoEncryption())
    if together:
        return (File(f"{name}.pem", certificate + key_pem),)
    return File(f"{name}.key", key_pem), File(f"{name}.crt", certificate)


def file_name(name: str) -> str:
    """Accept a name that files can be called after.

    :raises ValueError: for one that could be more than a file's name, or an option of a command for files.
    """
    if name.startswith((".", "-")) or any(mark in name for mark in "/\\:"):
        raise ValueError(f"the files are called after it, so no slash, no colon, no dot or dash at its start: {name!r}")
    return name


def _days(word: str) -> timedelta:
    if not word.isascii() or not word.isdigit() or len(word) > 9:
        raise ValueError(f"invalid int value: {word!r}")
    if not 1 <= int(word) <= _LONGEST_LIFE:
        raise ValueError(f"expected 1 to {_LONGEST_LIFE} days: {word}")
    return timedelta(days=int(word))
