"""What the line door is called, and what may prove a name there."""

from __future__ import annotations

from pkid.auth.schemes import Scheme

__all__ = ["DOOR", "SCHEMES"]

DOOR = "line"
"""The door's name."""

SCHEMES = (
    Scheme.ED25519,
    Scheme.ECDSA_P256,
    Scheme.ECDSA_P384,
    Scheme.RSA_PSS,
    Scheme.SCRAM_PLUS,
    Scheme.SCRAM,
    Scheme.PSK,
    Scheme.CERTIFICATE,
)
"""The kinds of proof that the door takes, the best first."""
