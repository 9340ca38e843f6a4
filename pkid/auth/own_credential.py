"""What a component proves its name with: a private key, a certificate, a password, a pre-shared key.

Pure; where these are kept is somebody else's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pkid.auth.psk_proof import LONGEST_SALT, SHORTEST_SALT
from pkid.auth.tokens import derive_key
from pkid.ca.keys import PrivateKey

__all__ = ["OwnCertificate", "OwnCredential", "OwnKey", "OwnPassword", "OwnPreSharedKey"]


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key, whose public half the core has stored for the name."""

    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnPassword:
    """A password, whose SCRAM verifier the core has stored for the name."""

    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnPreSharedKey:
    """A pre-shared key of the core.

    :ivar psk: the key's name.
    :ivar salt: for the derivation; the same for every proof, because a core serves a known salt faster.
    :ivar derived: what :func:`pkid.auth.tokens.derive_key` makes of the key and the salt.
    """

    psk: str
    salt: bytes
    derived: bytes = field(repr=False)

    @classmethod
    def derive(cls, psk: str, secret: str, salt: bytes) -> OwnPreSharedKey:
        """Derive the key; takes milliseconds, so not on the reactor.

        :param salt: random bytes, 8 to 64.
        :raises ValueError: when the secret is empty, or for a salt of another length.
        """
        if not secret:
            raise ValueError("the pre-shared key is empty, so it proves nothing; give the core's")
        if not SHORTEST_SALT <= len(salt) <= LONGEST_SALT:
            raise ValueError(f"a salt has {SHORTEST_SALT} to {LONGEST_SALT} bytes")
        return cls(psk, salt, derive_key(secret, salt))


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The certificate that the component's end of the TLS connection shows; its identity names the component."""


OwnCredential = OwnCertificate | OwnKey | OwnPassword | OwnPreSharedKey
