"""A component for each kind of credential, known to a core that was made for a measurement."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography import x509
from OpenSSL import crypto

from bench.core import Core
from pkid.auth.own_credential import OwnCertificate, OwnCredential, OwnKey, OwnPassword, OwnPreSharedKey
from pkid.ca.keys import KeyType, PrivateKey, key_bytes
from pkid.ca.pem import read_certificates
from pkid.client import get_signed_cert

__all__ = ["Kind", "Shown", "enroll"]

Shown = tuple[crypto.PKey, crypto.X509]


@dataclass(frozen=True)
class Kind:
    """How one component logs in.

    :ivar shown: what its end of the TLS connection shows.
    """

    component: str
    own: OwnCredential
    shown: Shown | None = None


def enroll(core: Core, suffix: str = "") -> dict[str, Kind]:
    """Make a component of each kind, and have the core know it; return them by a word for the kind.

    :param suffix: of their names, so that there may be several of a kind.
    """
    psk = (core.state / "psk").read_text().strip()
    kinds = {"psk": Kind(f"bench-psk{suffix}", OwnPreSharedKey.derive("default", psk, os.urandom(16)))}
    for kind in (KeyType.RSA2048, KeyType.P256, KeyType.P384, KeyType.ED25519):
        key, name = kind.generate(), f"bench-{kind.value}{suffix}"
        core.execute(f"broker keys add {name} {base64.b64encode(key_bytes(key.public_key())).decode()}")
        kinds[kind.value] = Kind(name, OwnKey(key))
    name = f"bench-password{suffix}"
    said = core.execute(f"broker keys add {name} --secret")
    kinds["SCRAM-SHA-256-PLUS"] = Kind(name, OwnPassword(said.partition("secret: ")[2].strip()))
    (authority,) = read_certificates((core.state / "ca.crt").read_bytes())
    own_key, certificate = get_signed_cert(
        "worker.example",
        uri=f"https://localhost:{core.port}",
        psk=psk,
        ca_cert=authority,
        component=f"bench-certificate{suffix}",
    )
    kinds["certificate"] = Kind(f"bench-certificate{suffix}", OwnCertificate(), _shown(own_key, certificate))
    return kinds


def _shown(key: PrivateKey, certificate: x509.Certificate) -> Shown:
    return crypto.PKey.from_cryptography_key(key), crypto.X509.from_cryptography(certificate)
