"""Tokens: JSON Web Tokens (RFC 7519) signed with HS256 under a key derived from the pre-shared key.

The wire form is the seeds': the JOSE header carries the salt of the derivation in standard base64. A *bound* token
also names the one request that it is good for. Pure: the time is a parameter, and deriving a key is somebody
else's work, because it takes milliseconds of a processor.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from json import JSONDecoder
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from pkid.errors import Reason, Refused

__all__ = ["Binding", "Claims", "Token", "TokenSigner", "body_digest", "derive_key", "read_token", "verify"]

ITERATIONS = 100_000
SALT_SIZE = 16
"""Bytes of salt in the tokens that pkid makes."""

_ALGORITHM = "HS256"
_JSON = JSONDecoder()
_WHITESPACE = " \t\n\r"  # of JSON (RFC 8259, section 2)
_LONGEST_TOKEN = 8192  # bytes
_SALT_SIZES = range(8, 65)
_LONGEST_LIFE = 3600  # seconds that a token may be good for
_LONGEST_BOUND_LIFE = 120
_BOUND_SKEW = 1
_SKEW = 60  # seconds that a caller's clock may be wrong
_LONGEST_ID = 128  # characters of a jti
_BINDING = ("htm", "htp", "htd")
_BINDS = frozenset(_BINDING)
_UNUSUAL = frozenset({"b64", "crit"})  # members that change what is signed (RFC 7797) or must be understood
_HEADERS_KEPT = 512  # of components that keep their salt, read once; and as many keys, ready to verify
_URL_SAFE, _STANDARD = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """The request that a bound token is good for.

    :ivar method: the HTTP method, claim ``htm`` (its name is RFC 9449's).
    :ivar path: the path with its query as sent, claim ``htp``.
    :ivar digest: the body's digest as :func:`body_digest` gives it, claim ``htd``.
    """

    method: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was read and not yet verified.

    :ivar salt: 8 to 64 bytes.
    :ivar key_id: the name of the pre-shared key that the caller says it used, or ``None``.
    """

    encoded: bytes = field(repr=False)
    salt: bytes
    key_id: str | None


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs tokens with one derived key; one salt serves a whole process.

    :ivar key_id: the name of the pre-shared key, which a token then says (``kid``).
    """

    key: bytes = field(repr=False)
    salt: bytes
    key_id: str | None = None

    def sign(self, claims: Claims, expires_at: int) -> str:
        """Return a token with these claims and an expiry in seconds since the epoch."""
        payload = {**claims, "exp": expires_at}
        headers = {"salt": base64.b64encode(self.salt).decode("ascii")}
        if self.key_id is not None:
            headers["kid"] = self.key_id
        return jwt.encode(payload, self.key, algorithm=_ALGORITHM, headers=headers)


def derive_key(secret: str, salt: bytes) -> bytes:
    """Derive the 256-bit signing key by PBKDF2-HMAC-SHA256 with 100,000 rounds; takes about 12 milliseconds."""
    return PBKDF2HMAC(hashes.SHA256(), 32, salt, ITERATIONS).derive(secret.encode("utf-8"))


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of a request's body as base64url without padding."""
    return _encode(sha256(body).digest()).decode("ascii")


def read_token(encoded: bytes) -> Token:
    """Read a token's header; nothing in it is to be believed yet.

    :raises Refused: ``unauthorized`` when it is no token of this kind.
    """
    if len(encoded) > _LONGEST_TOKEN or encoded.count(b".") != 2:
        raise _refusal()
    salt, key_id = _read_header(encoded.partition(b".")[0])
    return Token(encoded, salt, key_id)


def verify(token: Token, key: bytes) -> Claims:
    """Verify the signature and return the claims, which are still to be checked.

    :raises Refused: ``unauthorized`` when the signature is wrong or the payload is not a JSON object.
    """
    signed, _, signature = token.encoded.rpartition(b".")
    code = _keyed(key).copy()
    code.update(signed)
    if not hmac.compare_digest(signature, _encode(code.finalize())):
        raise _refusal()
    try:
        text = _decode(signed.rpartition(b".")[2]).decode("utf-8").strip(_WHITESPACE)
        claims, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        raise _refusal() from None
    if end != len(text) or not isinstance(claims, dict):
        raise _refusal()
    return claims


def check_claims(claims: Claims, now: float) -> None:
    """Check the claims that every credential must satisfy.

    A token from an answer of ``/ca/cert`` (it has ``sha256_fingerprint``) is never a credential. ``exp`` is
    required, and at most an hour ahead. There is no audience here, so a token for one is not for us.

    :param now: seconds since the epoch.
    :raises Refused: ``unauthorized``.
    """
    expires = _instant(claims, "exp")
    begins = _instant(claims, "nbf") if "nbf" in claims else now
    issued = _instant(claims, "iat") if "iat" in claims else now
    acceptable = (
        "sha256_fingerprint" not in claims
        and now < expires <= now + _LONGEST_LIFE + _SKEW
        and max(begins, issued) <= now + _SKEW
        and "aud" not in claims
        and isinstance(claims.get("sub", ""), str)
    )
    if not acceptable:
        raise _refusal()


def is_bound(claims: Claims) -> bool:
    """Tell whether a token claims to be bound; one that does so in part must do it wholly."""
    return not _BINDS.isdisjoint(claims)


def check_binding(claims: Claims, binding: Binding, started_at: float, now: float) -> str:
    """Check that a bound token is good for this request, and return its identifier.

    The identifier may be used once, which the caller sees to. A token from before the core's start is refused,
    because the core cannot know whether it was used; so is one from the future, which would outlive a restart.

    :param started_at: when the core started to remember identifiers, seconds since the epoch.
    :param now: seconds since the epoch.
    :raises Refused: ``unauthorized``.
    """
    issued, expires, identifier = _instant(claims, "iat"), _instant(claims, "exp"), claims.get("jti")
    acceptable = (
        tuple(claims.get(name) for name in _BINDING) == (binding.method, binding.path, binding.digest)
        and started_at <= issued <= now + _BOUND_SKEW
        and expires - issued <= _LONGEST_BOUND_LIFE
        and isinstance(identifier, str)
        and 1 <= len(identifier) <= _LONGEST_ID
    )
    if not acceptable:
        raise _refusal()
    return str(identifier)


def _encode(content: bytes) -> bytes:
    """Return the base64url form without padding (RFC 7515, section 2)."""
    return binascii.b2a_base64(content, newline=False).translate(_URL_SAFE).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    """Read what :func:`_encode` writes.

    :raises ValueError: when it is anything else.
    """
    padding = b"=" * (-len(text) % 4)
    return binascii.a2b_base64(text.translate(_STANDARD) + padding, strict_mode=True)


@lru_cache(_HEADERS_KEPT)
def _keyed(key: bytes) -> HMAC:
    """Return a code by this key that holds nothing yet, to be copied.

    To copy it is faster than to begin anew, and leaves the interpreter to nobody meanwhile, as ``hmac.digest`` does:
    to get it back from a thread that signs takes longer than the code itself.
    """
    return HMAC(key, hashes.SHA256())


@lru_cache(_HEADERS_KEPT)
def _read_header(segment: bytes) -> tuple[bytes, str | None]:
    """Return the salt and the key's name; a component that keeps its salt sends the same header each time.

    :raises Refused: ``unauthorized``.
    """
    try:
        header = jwt.get_unverified_header(segment + b"..")
        salt = base64.b64decode(header["salt"].encode("ascii"), validate=True)
    except (jwt.PyJWTError, KeyError, AttributeError, ValueError, RecursionError, binascii.Error):
        raise _refusal() from None
    if header.get("alg") != _ALGORITHM or len(salt) not in _SALT_SIZES or not _UNUSUAL.isdisjoint(header):
        raise _refusal()
    return salt, header.get("kid")


def _instant(claims: Claims, name: str) -> float:
    """Read a NumericDate (RFC 7519, section 2): a finite number that is not a truth value."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal()
    try:
        instant = float(value)
    except OverflowError:
        raise _refusal() from None
    if not math.isfinite(instant):
        raise _refusal()
    return instant


def _refusal() -> Refused:
    return Refused(Reason.UNAUTHORIZED)
