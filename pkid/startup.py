"""What the first start makes and every later one loads: trust domain, CA, pre-shared key.

Nothing that exists is made again. What should exist and does not is an error, because a new CA in place of a lost one
would lock out everybody who trusts the old one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.logger import Logger

from pkid.auth.psk import DEFAULT_NAME, PreSharedKey, find_twins, make_secret, weakness
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain
from pkid.ca.trust import fingerprint
from pkid.errors import StateError, about
from pkid.settings.resolution import Settings
from pkid.state import KeyPair, StateDirectory

__all__ = ["check_ledger", "open_issuer", "open_psks", "open_trust_domain", "publish_issuer"]

_log = Logger()


def open_trust_domain(state: StateDirectory, wanted: str | None) -> TrustDomain:
    """Load the trust domain, or settle it for good at the first start.

    :param wanted: what ``--trust-domain`` asks for.
    :raises StateError: when that is another one than the stored one, or it is lost.
    """
    stored = state.load_trust_domain()
    if stored is None:
        if state.made_after_trust_domain() is not None:
            raise StateError(state.path / "trust-domain", "is missing", "write the trust domain into it, one line")
        stored = TrustDomain(wanted or DEFAULT_TRUST_DOMAIN)
        state.save_trust_domain(stored)
    if wanted is not None and wanted != stored.name:
        raise StateError(
            state.path,
            f"belongs to the trust domain {stored.name}, not {wanted}",
            "leave --trust-domain out, or choose another --state",
        )
    return stored


def open_issuer(
    state: StateDirectory,
    key_type: KeyType,
    now: Callable[[], datetime],
    serial: Callable[[], int],
    passphrase: str | None = None,
) -> Issuer:
    """Load the stored CA, or make it at the first start.

    :param passphrase: what its key is encrypted with, or is to be.
    :raises StateError: when it is lost, damaged or no longer valid, or the passphrase is missing or wrong.
    """
    path = state.path / "ca.pem"
    pair = state.load_pair("ca", passphrase)
    if pair is None:
        witness = state.made_after_ca()
        if witness is not None:
            raise StateError(
                path,
                f"is missing, but there is {witness.name}",
                "restore it from a backup, or give --ca-cert and --ca-cert-key if that CA was your own",
            )
        issuer = make_root(key_type.generate(), now(), serial())
        state.save_pair("ca", KeyPair(issuer.key, issuer.certificate), passphrase)
    else:
        issuer = Issuer(pair.certificate, pair.key)
    with about(path, "check the clock, or restore the file from a backup"):
        issuer.check(now())
    if passphrase is not None and not state.is_encrypted("ca"):
        _log.warn(
            "{path} is not encrypted, though there is a passphrase; run: pkid ca passphrase --state {state}",
            path=str(path), state=str(state.path),
        )  # fmt: skip
    return issuer


def publish_issuer(state: StateDirectory, issuer: Issuer) -> None:
    """Write the root's certificate where people look for it, and tell what they should know of this CA.

    :raises StateError: when it cannot be written.
    """
    digest = fingerprint(issuer.anchor.public_bytes(Encoding.DER))
    before = state.published_certificate("ca")
    state.publish_certificate("ca", issuer.anchor)
    _log.info("the CA certificate is {path}, SHA-256 {digest}", path=str(state.path / "ca.crt"), digest=digest)
    if before is not None and before != issuer.anchor:
        _log.warn("it is another one than before: components that trust that one only must fetch /ca/cert again")
    for oddity in issuer.oddities():
        _log.warn("{oddity}", oddity=oddity)


def check_ledger(state: StateDirectory) -> None:
    """Check that the ledger was not lost: it is made before ``host.pem`` and ``host.crt``.

    :raises StateError: when it was.
    """
    lost = not state.ledger.exists() or state.ledger.stat().st_size == 0
    witnesses = " and ".join(path.name for path in state.made_after_ledger())
    if lost and witnesses:
        raise StateError(
            state.ledger,
            f"is missing or empty, but there is {witnesses}",
            f"restore it from a backup, or remove {witnesses} to begin an empty one",
        )


def open_psks(state: StateDirectory, settings: Settings, *, make: bool = True) -> tuple[PreSharedKey, ...]:
    """Take the pre-shared keys that are given; without any, the stored one; without that, make one.

    A stored key counts beside those that have names, too. There are none if authentication is off.

    :param make: false while the core runs: then, a key that is gone is no reason to make another.
    :raises StateError: when the stored one is damaged, weak, or the same as one that has a name, or there is none.
    """
    if not settings.authentication:
        return ()
    secret = settings.psk
    if secret is None:
        stored = state.load_psk()
        if stored is None and settings.psks:
            return settings.psks
        secret = _checked(state, stored or _make_psk(state, make), settings.allow_weak_psk)
    psks = (PreSharedKey(DEFAULT_NAME, secret, settings.psk_terms), *settings.psks)
    twins = find_twins(psks)
    if twins is not None:
        raise StateError(state.psk_file, f"holds the same key as psks.{twins[1]}", "give each its own, or remove it")
    return psks


def _make_psk(state: StateDirectory, make: bool) -> str:
    if not make:
        raise StateError(state.psk_file, "is gone, and no other key is given", "bring it back, or restart to make one")
    secret = make_secret(os.urandom)
    state.save_psk(secret)
    _log.info("made a pre-shared key; give it to the components: {path}", path=str(state.psk_file))
    return secret


def _checked(state: StateDirectory, secret: str, allow_weak: bool) -> str:
    weak = weakness(secret)
    if weak is not None and not allow_weak:
        raise StateError(
            state.psk_file,
            f"holds a key that is easy to guess ({weak})",
            "remove it to have one made, or --allow-weak-psk",
        )
    return secret
