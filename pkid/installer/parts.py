"""What is written for one certificate: the parts of a set, and the PEM text of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.agent import Credential

__all__ = ["ALWAYS", "Part", "pem_of_parts"]


class Part(Enum):
    """One file of a set."""

    KEY = "key"
    """The private key (PKCS #8)."""
    CERT = "cert"
    """The certificate alone."""
    CHAIN = "chain"
    """Who signed it, who signed that one, and so on up to the CA."""
    FULLCHAIN = "fullchain"
    """What a server shows: the certificate and the intermediates, without the CA."""
    CA = "ca"
    """The CA certificate, to verify others by."""
    COMBINED = "combined"
    """The key and what a server shows, in one file."""

    @property
    def file_name(self) -> str:
        """How the file is called, unless told otherwise."""
        return f"{self.value}.pem"

    @property
    def secret(self) -> bool:
        """Whether the private key is in it."""
        return self in {Part.KEY, Part.COMBINED}


ALWAYS = (Part.KEY, Part.CERT, Part.CHAIN, Part.FULLCHAIN, Part.CA)
"""What is in each set; a second copy of the key is only in those for which it is wanted."""


def pem_of_parts(credential: Credential, authority: x509.Certificate, parts: Iterable[Part]) -> dict[Part, bytes]:
    """Return the text of each of these parts."""
    key = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    cert, ca = _pem([credential.certificate]), _pem([authority])
    intermediates = _pem(credential.intermediates)
    texts = {
        Part.KEY: key,
        Part.CERT: cert,
        Part.CHAIN: intermediates + ca,
        Part.FULLCHAIN: cert + intermediates,
        Part.CA: ca,
        Part.COMBINED: key + cert + intermediates,
    }
    return {part: texts[part] for part in parts}


def _pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
