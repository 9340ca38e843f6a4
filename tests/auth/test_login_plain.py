"""Logins by the weaker forms, where a door takes them."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pkid.auth.component_keyring import SharedSecret
from pkid.auth.plain import challenge_and_text, secret_digest
from pkid.auth.proofs import PlainProof
from pkid.auth.schemes import PLAIN, Scheme
from pkid.auth.transcript import Channel
from tests.auth.login_case import GREETING, KEYS, NOISE, PASSWORD, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, SERVER_NONCE, outcome


class PlainLoginTests(LoginCase):
    """The weaker forms, where a door takes them."""

    PLAIN = replace(GREETING, channel=Channel(True), accepted=tuple(PLAIN))

    def test_a_secret_proves_a_name(self) -> None:
        self.add("alice", SharedSecret("hush hush"))
        self.admitted(self.login(self.PLAIN), PlainProof(secret_digest(SERVER_NONCE, "hush hush")))
        self.refused(self.login(self.PLAIN), PlainProof(secret_digest(SERVER_NONCE, "hush")))
        self.refused(self.login(self.PLAIN), PlainProof(secret_digest(CLIENT_NONCE, "hush hush")))

    def test_a_door_that_does_not_take_them_refuses(self) -> None:
        self.add("alice", SharedSecret("hush hush"))
        proof = PlainProof(secret_digest(SERVER_NONCE, "hush hush"))
        self.refused(self.login(), proof)
        self.assertTrue(outcome(self.login().offer("alice")))
        some = replace(self.PLAIN, accepted=(Scheme.PLAIN_RSA,))
        self.refused(self.login(some), proof)

    def test_what_is_stored_of_a_key_is_never_taken_for_a_secret(self) -> None:
        """Not its first line, not its bytes: public things prove nothing."""
        self.add("alice", KEYS[Scheme.ECDSA_P256].public_key())
        for public in ("-----BEGIN PUBLIC KEY-----", "", "alice"):
            self.refused(self.login(self.PLAIN), PlainProof(secret_digest(SERVER_NONCE, public)))

    def test_a_verifier_is_no_secret(self) -> None:
        self.add("alice", VERIFIER)
        self.refused(self.login(self.PLAIN), PlainProof(secret_digest(SERVER_NONCE, PASSWORD)))

    def test_a_signature_is_for_one_name(self) -> None:
        for scheme in (Scheme.RSA_PSS, Scheme.ECDSA_P256):
            self.add(scheme.name, KEYS[scheme].public_key())
            message = challenge_and_text(SERVER_NONCE, scheme.name)
            proof = PlainProof(plain_signature(scheme, message))
            self.admitted(self.login(self.PLAIN), proof, scheme.name)
            self.refused(self.login(self.PLAIN), PlainProof(NOISE), scheme.name)
            self.refused(self.login(replace(self.PLAIN, nonce=CLIENT_NONCE)), proof, scheme.name)


def plain_signature(scheme: Scheme, message: bytes) -> bytes:
    """Sign as the original clients do."""
    match KEYS[scheme]:
        case rsa.RSAPrivateKey() as key:
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey() as key:
            return key.sign(message, ec.ECDSA(hashes.SHA256()))
    raise AssertionError(scheme)
