"""The layout of such a directory: what a file's name and content mean. Pure; reads no file itself.

``keys/NAME``, with ``.rsa`` or ``.ecdsa`` and ``.pem`` or ``.der`` behind it, holds a public key of the component NAME;
without any of these it may hold a shared secret instead.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pkid.auth.component_keyring import Material, SharedSecret
from pkid.auth.public_keys import is_pem, read_public_key
from pkid.ca.keys import PublicKey
from pkid.errors import PkidError, Unusable

__all__ = ["component_of", "read_material"]

_ENCODINGS = (".pem", ".der")
_KINDS: dict[str, type] = {".rsa": rsa.RSAPublicKey, ".ecdsa": ec.EllipticCurvePublicKey}
_LONGEST_SECRET = 1024  # characters


def component_of(file_name: str) -> str:
    """Return the component that a file in ``keys`` belongs to; it need not be an acceptable name."""
    return _split(file_name)[0]


def read_material(file_name: str, content: bytes) -> Material:
    """Read a key or a secret.

    A secret is read only from a file without an extension that begins with no mark of PEM: a key that is damaged is
    never taken for one, because what it holds is public.

    :raises Unusable: when it is neither, or not what the file's name says.
    """
    name, kind = _split(file_name)
    try:
        key = read_public_key(content)
    except PkidError as error:
        if file_name != name or is_pem(content):
            raise Unusable(
                f"holds no key that can be used ({error.subject})", "put the component's public key in it"
            ) from None
        return _read_secret(content)
    _check_kind(key, kind)
    return key


def _split(file_name: str) -> tuple[str, str]:
    """Return the component's name, and the extension that tells the kind of key, or nothing."""
    for encoding in _ENCODINGS:
        file_name = file_name.removesuffix(encoding) if file_name != encoding else file_name
    kind = next((kind for kind in _KINDS if file_name.endswith(kind) and file_name != kind), "")
    return file_name.removesuffix(kind), kind


def _check_kind(key: PublicKey, kind: str) -> None:
    if kind and not isinstance(key, _KINDS[kind]):
        raise Unusable(f"holds a key of another kind than {kind} says", "rename it, or replace the key")


def _read_secret(content: bytes) -> SharedSecret:
    try:
        secret = content.decode("utf-8").partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        secret = ""
    if not secret or not secret.isprintable() or len(secret) > _LONGEST_SECRET:
        raise Unusable("holds neither a public key nor a secret", "put one of them in it; a secret is its first line")
    return SharedSecret(secret)
