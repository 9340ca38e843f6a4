"""The four messages of SCRAM (RFC 5802, section 7), read strictly and written.

pkid's messages hold no extensions but one: ``t`` in the client's final message is the SHA-256 of the login's transcript
(:mod:`pkid.auth.transcript`), so that the proof covers that, too.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field

from pkid.auth.transcript import BindingType
from pkid.errors import Malformed, Reason

__all__ = ["ClientFinal", "ClientFirst", "ServerFinal", "ServerFirst"]

_FLAG = r"(?P<header>(?P<flag>n|y|p=tls-exporter),,)"
_NONCE = r"r=(?P<nonce>[!-+\--~]{1,256})"
_CLIENT_FIRST = re.compile(_FLAG + r"(?P<bare>n=(?P<name>[A-Za-z0-9._-]{1,128})," + _NONCE + r")")
_SERVER_FIRST = re.compile(_NONCE + r",s=(?P<salt>[^,]{1,256}),i=(?P<iterations>[1-9][0-9]{0,8})")
_CLIENT_FINAL = re.compile(
    r"c=(?P<binding>[^,]{1,128})," + _NONCE + r",t=(?P<transcript>[^,]{44}),p=(?P<proof>[^,]{44})"
)
_SERVER_FINAL = re.compile(r"v=(?P<signature>[^,]{44})")


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """The client's first message: who it is, its nonce, and what it says of channel binding.

    :ivar header: the flag of channel binding and what follows: the GS2 header.
    :ivar bare: the rest, which the proof covers.
    """

    header: bytes
    bare: bytes
    name: str
    nonce: str

    @classmethod
    def make(cls, name: str, nonce: str, binding: BindingType) -> ClientFirst:
        """Make the message of a client that binds its proof so."""
        flag = f"p={binding.value}" if binding is not BindingType.NONE else "n"
        return cls(f"{flag},,".encode("ascii"), f"n={name},r={nonce}".encode("ascii"), name, nonce)

    @classmethod
    def read(cls, message: bytes) -> ClientFirst:
        """Read a message.

        :raises Malformed: ``proof-failed``; also for an authorization identity, an unknown binding and extensions.
        """
        found = _match(_CLIENT_FIRST, message)
        return cls(found["header"].encode(), found["bare"].encode(), found["name"], found["nonce"])

    def encode(self) -> bytes:
        """Return the message."""
        return self.header + self.bare

    @property
    def claims_that_binding_is_missing(self) -> bool:
        """Whether the client could bind its proof, and believes that the core cannot (flag ``y``)."""
        return self.header.startswith(b"y")


@dataclass(frozen=True, slots=True)
class ServerFirst:
    """The core's first message: both nonces, and how to derive the keys from the password."""

    nonce: str
    salt: bytes
    iterations: int

    @classmethod
    def read(cls, message: bytes) -> ServerFirst:
        """Read a message.

        :raises Malformed: ``proof-failed``.
        """
        found = _match(_SERVER_FIRST, message)
        return cls(found["nonce"], _decode(found["salt"]), int(found["iterations"]))

    def encode(self) -> bytes:
        """Return the message."""
        return f"r={self.nonce},s={_encode(self.salt)},i={self.iterations}".encode("ascii")


@dataclass(frozen=True, slots=True)
class ClientFinal:
    """The client's final message: what it binds its proof to, and the proof.

    :ivar binding: the GS2 header and the channel binding.
    :ivar transcript: SHA-256 of the transcript.
    """

    binding: bytes = field(repr=False)
    nonce: str
    transcript: bytes
    proof: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, message: bytes) -> ClientFinal:
        """Read a message.

        :raises Malformed: ``proof-failed``.
        """
        found = _match(_CLIENT_FINAL, message)
        binding, transcript, proof = (_decode(found[name]) for name in ("binding", "transcript", "proof"))
        return cls(binding, found["nonce"], transcript, proof)

    @property
    def unproven(self) -> bytes:
        """The message without its proof, which the proof covers."""
        return f"c={_encode(self.binding)},r={self.nonce},t={_encode(self.transcript)}".encode("ascii")

    def encode(self) -> bytes:
        """Return the message."""
        return self.unproven + b",p=" + _encode(self.proof).encode("ascii")


@dataclass(frozen=True, slots=True)
class ServerFinal:
    """The core's final message: its own proof."""

    signature: bytes = field(repr=False)

    @classmethod
    def read(cls, message: bytes) -> ServerFinal:
        """Read a message.

        :raises Malformed: ``proof-failed``.
        """
        return cls(_decode(_match(_SERVER_FINAL, message)["signature"]))

    def encode(self) -> bytes:
        """Return the message."""
        return b"v=" + _encode(self.signature).encode("ascii")


def _match(form: re.Pattern[str], message: bytes) -> re.Match[str]:
    found = form.fullmatch(message.decode("latin-1"))
    if found is None or not message.isascii():
        raise Malformed(Reason.PROOF_FAILED)
    return found


def _encode(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _decode(text: str) -> bytes:
    """Read base64 (RFC 4648, section 4), in its one proper form only."""
    try:
        data = a2b_base64(text)
    except ValueError:
        raise Malformed(Reason.PROOF_FAILED) from None
    if _encode(data) != text:
        raise Malformed(Reason.PROOF_FAILED)
    return data
