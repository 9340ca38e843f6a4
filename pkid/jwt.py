"""Tokens for scripts: headers that prove the pre-shared key, and the check of such headers.

>>> encode_jwt_to_headers(http_headers={}, payload={}, psk="...", expire_in=3600)
{'Authorization': 'Bearer ...'}
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pkid.auth.tokens import SALT_SIZE, TokenSigner, check_claims, derive_key, read_token, verify

__all__ = ["decode_jwt_from_headers", "encode_jwt_to_headers", "token_signer"]

_LONGEST_LIFE = 3600  # seconds; the core accepts no more
_SCHEME = "bearer "
_HEADER = "authorization"


def encode_jwt_to_headers(
    http_headers: Mapping[str, str], payload: Mapping[str, Any], psk: str, expire_in: int = 300
) -> dict[str, str]:
    """Return the headers, and with them an ``Authorization`` header that proves the pre-shared key.

    :param payload: the token's claims; ``exp`` is added.
    :param expire_in: for how many seconds the token is good, 3600 at most.
    :raises ValueError: when the key is empty, or the time is not acceptable.
    """
    if not 1 <= expire_in <= _LONGEST_LIFE:
        raise ValueError(f"a token cannot be good for {expire_in} seconds; use 1 to {_LONGEST_LIFE}")
    token = token_signer(psk).sign(payload, int(time.time()) + expire_in)
    kept = {name: value for name, value in http_headers.items() if name.lower() != _HEADER}
    return {**kept, "Authorization": f"Bearer {token}"}


def decode_jwt_from_headers(http_headers: Mapping[str, str], psk: str) -> dict[str, Any] | None:
    """Return the claims of the token in the ``Authorization`` header; ``None`` when there is no bearer token.

    The token must be one that the core would accept, too: so the one in the core's own answers is not.

    :raises Refused: when the token is not signed with this pre-shared key, or is not good now.
    """
    value = next((value for name, value in http_headers.items() if name.lower() == _HEADER), "")
    if not value.lower().startswith(_SCHEME):
        return None
    token = read_token(value[len(_SCHEME) :].encode("utf-8", "replace"))
    claims = verify(token, derive_key(psk, token.salt))
    check_claims(claims, time.time())
    return dict(claims)


@lru_cache(maxsize=8)
def token_signer(psk: str) -> TokenSigner:
    """Return this process's signer for a pre-shared key, always the same: a core serves a known salt faster.

    :raises ValueError: when the key is empty.
    """
    if not psk:
        raise ValueError("the pre-shared key is empty, so it proves nothing; give the core's")
    salt = os.urandom(SALT_SIZE)
    return TokenSigner(derive_key(psk, salt), salt)
