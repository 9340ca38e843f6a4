"""What a credential is checked against, as bytes with a kind: how the ledger holds it.

=====================  =====================================================================
``public-key``         SubjectPublicKeyInfo, DER
``scram-sha-256``      ``ITERATIONS:SALT$STORED-KEY:SERVER-KEY``, base64, as in RFC 5803
``recoverable-secret`` the secret itself, UTF-8: whoever has a copy of the ledger can log in by it
=====================  =====================================================================
"""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pkid.auth.component_keyring import Material, SharedSecret
from pkid.auth.scram import ScramVerifier
from pkid.ca.keys import check_key, key_bytes
from pkid.errors import Refused, Unusable

__all__ = ["PUBLIC_KEY", "RECOVERABLE_SECRET", "SCRAM", "read_material", "write_material"]

PUBLIC_KEY = "public-key"
SCRAM = "scram-sha-256"
RECOVERABLE_SECRET = "recoverable-secret"

_BASE64 = rb"([A-Za-z0-9+/]+={0,2})"
_VERIFIER = re.compile(rb"([1-9][0-9]{0,8}):" + rb"%s\$%s:%s" % (_BASE64, _BASE64, _BASE64))


def write_material(material: Material) -> tuple[str, bytes]:
    """Return the kind and the bytes."""
    match material:
        case SharedSecret(secret):
            return RECOVERABLE_SECRET, secret.encode("utf-8")
        case ScramVerifier():
            salt, stored, server = map(base64.b64encode, (material.salt, material.stored_key, material.server_key))
            return SCRAM, b"%d:%s$%s:%s" % (material.iterations, salt, stored, server)
        case key:
            return PUBLIC_KEY, key_bytes(key)


def read_material(kind: str, content: bytes) -> Material:
    """Return what kind and bytes say.

    :raises Unusable: when that is nothing to check a proof against.
    """
    try:
        return _READERS[kind](content)
    except (KeyError, ValueError, TypeError, UnsupportedAlgorithm, Refused):
        raise Unusable("cannot be read", "revoke it, and store it again") from None


def _read_key(content: bytes) -> Material:
    return check_key(load_der_public_key(content))  # type: ignore[arg-type]


def _read_verifier(content: bytes) -> Material:
    fields = _VERIFIER.fullmatch(content)
    if fields is None:
        raise ValueError("no verifier")
    salt, stored, server = map(base64.b64decode, fields.groups()[1:])
    return ScramVerifier(salt, int(fields[1]), stored, server)


def _read_secret(content: bytes) -> Material:
    return SharedSecret(content.decode("utf-8"))


_READERS = {PUBLIC_KEY: _read_key, SCRAM: _read_verifier, RECOVERABLE_SECRET: _read_secret}
