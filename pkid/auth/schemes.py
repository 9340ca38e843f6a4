"""The ways to prove a component's name, by the names that go over the wire.

A scheme follows from what the core has stored for the name; a proof is never tried by another one.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

__all__ = ["PLAIN", "SCRAM", "SIGNATURES", "Scheme", "scheme_names"]


class Scheme(Enum):
    """One way to prove a name."""

    # Signatures over the transcript, by the names of TLS (RFC 8446, section 4.2.3)
    RSA_PSS = "rsa_pss_rsae_sha256"
    ECDSA_P256 = "ecdsa_secp256r1_sha256"
    ECDSA_P384 = "ecdsa_secp384r1_sha384"
    ED25519 = "ed25519"
    # A password that the core does not know (RFC 7677)
    SCRAM = "SCRAM-SHA-256"
    SCRAM_PLUS = "SCRAM-SHA-256-PLUS"
    # The pre-shared key
    PSK = "psk_hmac_sha256"
    # The certificate that the component's end of the TLS connection showed
    CERTIFICATE = "tls_client_certificate"
    # A password, said as it is over TLS (RFC 4616); nothing ties it to the connection
    PASSWORD = "PLAIN"
    # Weaker: a challenge and a name, no transcript
    PLAIN_RSA = "plain_rsa_pkcs1_sha256"
    PLAIN_ECDSA = "plain_ecdsa_sha256"
    PLAIN_SECRET = "plain_secret_sha256"

    __hash__ = object.__hash__  # there is one of each; an Enum's own is a call of Python for each look into a set


SIGNATURES = frozenset({Scheme.RSA_PSS, Scheme.ECDSA_P256, Scheme.ECDSA_P384, Scheme.ED25519})
"""Signatures over the transcript."""

SCRAM = frozenset({Scheme.SCRAM, Scheme.SCRAM_PLUS})
"""The two forms of SCRAM, without and with channel binding."""

PLAIN = frozenset({Scheme.PLAIN_RSA, Scheme.PLAIN_ECDSA, Scheme.PLAIN_SECRET})
"""The weaker forms, which are bound to no connection and say nothing of the core."""


@lru_cache(maxsize=64)
def scheme_names(schemes: tuple[Scheme, ...]) -> tuple[str, ...]:
    """Return what schemes are called over the wire."""
    return tuple(scheme.value for scheme in schemes)
