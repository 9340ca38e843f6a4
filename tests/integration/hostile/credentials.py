"""Credentials of every kind but the right one, most of them for ``POST /ca/sign``."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from pkid.auth.psk import PreSharedKey
from pkid.ca.keys import KeyType
from tests.certificates import csr_pem, encode_segment, handmade_token, make_token, private_key, signing_key
from tests.integration.hostile.attempt import Attempt, head, post
from tests.interop.core import PSK

__all__ = ["credentials"]

_PSK = PreSharedKey("default", PSK)
_STRANGER = PreSharedKey("default", "somebody else's key")
_SALT = os.urandom(16)
_SALT_TEXT = base64.b64encode(_SALT).decode()


def credentials(reflected: str) -> Iterator[Attempt]:
    """Yield them.

    :param reflected: the ``Authorization`` header of the answer of ``/ca/cert``.
    """
    csr = csr_pem()
    for about, header in _headers(reflected):
        yield Attempt(about, post("/ca/sign", csr, *header), 401)
    for about, token, status in _edges():
        yield Attempt(about, post("/ca/sign", csr, b"Authorization: Bearer " + token), status)
    yield from _elsewhere(csr)
    yield from _bound(csr)


def _headers(reflected: str) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    good = _token()
    yield "no credential", ()
    for about, value in (
        ("an empty header", b""),
        ("Bearer alone", b"Bearer"),
        ("Bearer and a space", b"Bearer "),
        ("no space", b"Bearer" + good),
        ("two spaces", b"Bearer  " + good),
        ("a tab", b"Bearer\t" + good),
        ("a good token under Basic", b"Basic " + good),
        ("a name and a password", b"Basic YTpi"),
        ("the token alone", good),
        ("garbage", b"Bearer garbage"),
        ("dots", b"Bearer ..."),
        ("bytes beyond ASCII", b"Bearer \xff\xfe.\xe9.\x80"),
        ("two tokens in one header", b"Bearer " + good + b", Bearer " + good),
        ("more than 8 KiB of token", b"Bearer " + _token(x="x" * 6200)),
        ("15 KB without a dot", b"Bearer " + b"A" * 15_000),
        ("the core's own word from /ca/cert", reflected.encode()),
    ):
        yield about, (b"Authorization: " + value,)
    yield "two headers", (b"Authorization: Bearer " + good,) * 2
    for about, token in _tokens():
        yield about, (b"Authorization: Bearer " + token,)
    for original in (b"fix", b"resoto"):
        yield "a cookie", (b'Cookie: %b_authorization="Bearer %b"' % (original, good),)


def _tokens() -> Iterator[tuple[str, bytes]]:
    now = time()
    rsa = private_key(KeyType.RSA2048)
    assert isinstance(rsa, RSAPrivateKey)
    header, payload, signature = _token().split(b".")
    yield "another key", make_token({}, expires_at=now + 300, psk=_STRANGER)
    yield "signed by a private key", jwt.encode({"exp": now + 300}, rsa, "RS256", headers={"salt": _SALT_TEXT}).encode()
    for size in (7, 65, 1000):
        yield f"a salt of {size} bytes", make_token({}, expires_at=now + 300, psk=_PSK, salt=bytes(size))
    yield "no signature", b".".join((header, payload, b""))
    yield "a signature cut short", b".".join((header, payload, signature[:-3]))
    yield "nothing behind the signature", _token() + b"."
    yield "not base64", header + b".{}." + signature
    yield "a payload that is no object", handmade_token(_header(), b"[]", _key())
    yield "a payload nested deeply", handmade_token(_header(), b"[" * 2500, _key())
    yield "a header nested deeply", handmade_token(b'{"a":' * 500, b"{}", _key())
    for members in _odd_headers():
        yield f"a header with {members}", _token(members)
    for claims in _odd_claims(now):
        yield f"claims {claims}", _claims(claims)
    yield "an end that is no number", handmade_token(_header(), b'{"exp": NaN}', _key())
    yield "an endless end", handmade_token(_header(), b'{"exp": 1e999}', _key())
    yield "5000 digits", handmade_token(_header(), b'{"exp": %b}' % (b"9" * 5000), _key())


def _odd_headers() -> Iterator[dict[str, Any]]:
    for algorithm in ("none", "None", "HS512", "RS256", "hs256", None, 5, ["HS256"]):
        yield {"alg": algorithm}
    for salt in (None, "", 5, True, ["AAAAAAAAAAA="], "!!!", "\u00e9", "_-_-_-_-_-_-_-_-_-", "AAECAwQFBgcICQoLDA0ODw"):
        yield {"salt": salt}
    yield from ({"kid": 5}, {"kid": "nobody"}, {"crit": ["exp"]}, {"b64": False, "crit": ["b64"]})


def _odd_claims(now: float) -> Iterator[dict[str, Any]]:
    soon = now + 300
    yield from ({}, {"sub": "x"}, {"exp": None}, {"exp": True}, {"exp": str(int(soon))}, {"exp": [soon]})
    yield from ({"exp": now - 1}, {"exp": -soon}, {"exp": now + 3700}, {"exp": now + 30 * 365 * 86400})
    for odd in (
        {"nbf": now + 200}, {"iat": now + 200}, {"nbf": "0"}, {"iat": None}, {"aud": "core"}, {"aud": None}, {"sub": 5},
        {"email": "a@b.c"}, {"email": "a@b.c", "roles": ["admin"]}, {"sha256_fingerprint": None}, {"htm": "POST"},
    ):  # fmt: skip
        yield {"exp": soon, **odd}


def _edges() -> Iterator[tuple[str, bytes, int]]:
    """Yield tokens whose signature and claims are right, and that may or may not sign."""
    good = _token()
    yield "the same token, for the first time", good, 200
    yield "the same token again", good, 200
    for size in (8, 64):
        yield f"a salt of {size} bytes", make_token({}, expires_at=time() + 300, psk=_PSK, salt=bytes(size)), 200
    yield "an hour and a half-minute", _claims({"exp": time() + 3630}), 200
    yield "a user who may only read", _token(email="a@b.c", roles="readonly"), 403
    yield "a user with unknown roles", _token(email="a@b.c", roles="root"), 403


def _elsewhere(csr: bytes) -> Iterator[Attempt]:
    """Yield good tokens in the wrong place, and bad ones where they do not matter."""
    good = _token().decode()
    for name in ("code", "access_token", "token"):
        yield Attempt(f"a token as {name} in the query", post(f"/ca/sign?{name}={good}", csr), 401)
    for path in ("/ca/cert", "/system/ping", "/system/ready"):
        yield Attempt(f"a bad token for {path}", head("GET", path, b"Authorization: Bearer garbage"), 200)
    yield Attempt("the scheme in lower case", post("/ca/sign", csr, b"authorization: bearer " + good.encode()), 200)
    yield Attempt("a good token for no page", head("GET", "/nowhere", b"Authorization: Bearer " + good.encode()), 404)


def _bound(csr: bytes) -> Iterator[Attempt]:
    now = time()
    claims = {
        "htm": "POST",
        "htp": "/ca/sign",
        "htd": _digest(csr),
        "iat": now,
        "exp": now + 60,
        "jti": os.urandom(8).hex(),
    }
    once = post("/ca/sign", csr, b"Authorization: Bearer " + _claims(claims))
    yield Attempt("a bound token", once, 200)
    yield Attempt("a bound token that is replayed", once, 401)
    for odd in (
        {"htm": "GET"}, {"htp": "/ca/sign?a"}, {"htd": _digest(b"")}, {"htd": None}, {"iat": now - 86400},
        {"iat": now + 50}, {"exp": now + 600}, {"jti": ""}, {"jti": 5}, {"jti": "x" * 129}, {"jti": ["x"]},
    ):  # fmt: skip
        token = _claims({**claims, "jti": os.urandom(8).hex(), **odd})
        yield Attempt(f"a bound token with {odd}", post("/ca/sign", csr, b"Authorization: Bearer " + token), 401)


def _token(header: Mapping[str, Any] | None = None, /, **claims: Any) -> bytes:
    return make_token(claims, expires_at=int(time()) + 300, psk=_PSK, salt=_SALT, header=header)


def _claims(claims: Mapping[str, Any]) -> bytes:
    return make_token(claims, psk=_PSK, salt=_SALT)


def _header() -> bytes:
    return json.dumps({"alg": "HS256", "typ": "JWT", "salt": _SALT_TEXT}).encode()


def _key() -> bytes:
    return signing_key(PSK, _SALT)


def _digest(body: bytes) -> str:
    return encode_segment(sha256(body).digest()).decode()
