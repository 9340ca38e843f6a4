"""A component's side of the pre-shared key: which CA to trust, and tokens for its own requests.

Pure, and nothing of Twisted: the time and the identifiers are parameters. Checking an answer derives keys, which
takes about 12 milliseconds of a processor for each token in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeGuard

from pkid.auth.tokens import Binding, Claims, TokenSigner, derive_key, read_token, verify
from pkid.ca.trust import TrustError, same_fingerprint
from pkid.errors import Refused

__all__ = [
    "ExpiredEndorsement",
    "FingerprintMismatch",
    "NoEndorsement",
    "WrongPreSharedKey",
    "bound_token",
    "check_endorsement",
]

_MOST_TRIED = 16
"""Tokens of one answer that are looked at, as many as a core may send; a stranger chose how many there are."""

_LONGEST_LIFE = 3600  # seconds
_SKEW = 60  # seconds that the two clocks may differ
_BOUND_LIFE = 120  # seconds; the core accepts no more


class NoEndorsement(TrustError):
    """Nothing in the answer says that the certificate is the authority's."""


class WrongPreSharedKey(TrustError):
    """The answer was not signed with this pre-shared key."""


class ExpiredEndorsement(TrustError):
    """The core's word is too old, or is from the future: an old answer that is played again, or a wrong clock."""


class FingerprintMismatch(TrustError):
    """The core vouches for another certificate than the one that came."""


def check_endorsement(tokens: Iterable[bytes], secret: str, fingerprint: str, now: float) -> None:
    """Check that one of the tokens, signed with the pre-shared key, vouches for a CA certificate.

    :param tokens: what came with the certificate; while keys are rotated, there is one for each.
    :param fingerprint: the certificate's, as :func:`pkid.ca.trust.fingerprint` writes it.
    :param now: seconds since the epoch.
    :raises NoEndorsement: when there is no token, or none that speaks of a certificate.
    :raises WrongPreSharedKey: when none of them is signed with this key.
    :raises ExpiredEndorsement: when none of them is good now.
    :raises FingerprintMismatch: when they speak of another certificate.
    """
    tried = list(islice(tokens, _MOST_TRIED))
    if not tried:
        raise NoEndorsement("the answer holds no token that vouches for the certificate; see that it is a core")
    verified = list(_verified(tried, secret))
    if not verified:
        raise WrongPreSharedKey("the answer is not signed with this pre-shared key; compare it with the core's")
    vouching = [claims for claims in verified if isinstance(claims.get("sha256_fingerprint"), str)]
    if not vouching:
        raise NoEndorsement("the answer's token is signed with the pre-shared key and vouches for no certificate")
    current = [claims for claims in vouching if _is_current(claims, now)]
    if not current:
        raise ExpiredEndorsement("the answer's token is not good now; check the clocks of this machine and the core")
    if not any(same_fingerprint(claims["sha256_fingerprint"], fingerprint) for claims in current):
        raise FingerprintMismatch("the core vouches for another CA certificate; somebody may be between you and it")


def bound_token(signer: TokenSigner, binding: Binding, identifier: str, now: float) -> str:
    """Make a token that is good for one request, once, for at most two minutes.

    :param identifier: at most 128 characters that were never used before.
    :param now: seconds since the epoch, with fractions.
    """
    claims = {
        "htm": binding.method,
        "htp": binding.path,
        "htd": binding.digest,
        "iat": now,
        "jti": identifier,
    }
    return signer.sign(claims, int(now) + _BOUND_LIFE)


def _verified(tokens: Iterable[bytes], secret: str) -> Iterator[Claims]:
    for encoded in tokens:
        try:
            token = read_token(encoded)
            yield verify(token, derive_key(secret, token.salt))
        except Refused:
            continue


def _is_current(claims: Claims, now: float) -> bool:
    expires, start = claims.get("exp"), claims.get("nbf", claims.get("iat", now))
    if not _is_number(expires) or not _is_number(start):
        return False
    return now - _SKEW < expires <= now + _LONGEST_LIFE + _SKEW and start <= now + _SKEW


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
