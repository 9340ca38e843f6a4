"""A core as any HTTP client sees it: requests with the standard library, tokens by the documented format alone.

Nothing of pkid makes or reads these bytes, so that a mistake on both sides cannot hide.
"""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from http.client import HTTPMessage, HTTPSConnection
from time import time

import jwt

from tests.daemon import Daemon

__all__ = ["PSK", "WITH_PSK", "Answer", "ask", "bearer"]

PSK = "changeme"
"""The pre-shared key of the originals' documents."""

WITH_PSK = ("--psk", PSK, "--allow-weak-psk")
"""The daemon's options for it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the core answered."""

    status: int
    headers: HTTPMessage
    body: bytes


def ask(
    daemon: Daemon, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request to *daemon*, trusting only its CA."""
    context = ssl.create_default_context(cafile=str(daemon.state / "ca.crt"))
    connection = HTTPSConnection("localhost", daemon.port, context=context, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def bearer(psk: str = PSK) -> dict[str, str]:
    """Return the header that proves *psk* for five minutes."""
    salt = os.urandom(16)
    key = pbkdf2_hmac("sha256", psk.encode(), salt, 100_000)
    token = jwt.encode({"exp": int(time()) + 300}, key, "HS256", headers={"salt": b64encode(salt).decode()})
    return {"Authorization": f"Bearer {token}"}
