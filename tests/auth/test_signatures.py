"""Proofs by public keys, each kind on each side of each rule."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pkid.auth.schemes import Scheme
from pkid.auth.signatures import scheme_of, sign, verify
from pkid.auth.transcript import Prover
from pkid.ca.keys import KeyType
from pkid.errors import Refused
from tests.auth.logins import differing, transcript
from tests.certificates import private_key
from tests.support import Case

KINDS = {
    KeyType.RSA2048: Scheme.RSA_PSS,
    KeyType.P256: Scheme.ECDSA_P256,
    KeyType.P384: Scheme.ECDSA_P384,
    KeyType.ED25519: Scheme.ED25519,
}


class SignatureTests(Case):
    """A signature proves the name at one login."""

    def test_it_proves_the_name(self) -> None:
        for kind, scheme in KINDS.items():
            key, login = private_key(kind), transcript(scheme)
            verify(key.public_key(), login, sign(key, login))

    def test_it_is_worth_nothing_at_any_other_login(self) -> None:
        for kind, scheme in KINDS.items():
            key, login = private_key(kind), transcript(scheme)
            proof = sign(key, login)
            for what, other in differing(login):
                with self.assertRaises(Refused, msg=f"{kind}: {what}"):
                    verify(key.public_key(), other, proof)

    def test_any_other_bytes_are_refused(self) -> None:
        for kind, scheme in KINDS.items():
            key, login = private_key(kind), transcript(scheme)
            proof = sign(key, login)
            for wrong in (b"", proof[:-1], proof + b"\0", bytes([proof[0] ^ 1]) + proof[1:], bytes(10_000)):
                self.assertRaises(Refused, verify, key.public_key(), login, wrong)

    def test_another_key_of_the_same_kind_is_refused(self) -> None:
        login = transcript(Scheme.ED25519)
        other = KeyType.ED25519.generate()
        self.assertRaises(Refused, verify, other.public_key(), login, sign(private_key(KeyType.ED25519), login))

    def test_a_key_has_one_scheme(self) -> None:
        for kind, scheme in KINDS.items():
            key = private_key(kind)
            self.assertIs(scheme_of(key.public_key()), scheme)
            for other in set(Scheme) - {scheme}:
                self.assertRaises(Refused, sign, key, transcript(other))

    def test_a_signature_of_the_right_key_under_the_name_of_another_scheme_is_refused(self) -> None:
        key = Ed25519PrivateKey.generate()
        for other in set(Scheme) - {Scheme.ED25519}:
            forced = replace(transcript(Scheme.ED25519), chosen=other.value)
            proof = key.sign(forced.encode(Prover.COMPONENT))
            self.assertRaises(Refused, verify, key.public_key(), forced, proof)

    def test_a_curve_without_scheme_is_refused(self) -> None:
        self.assertRaises(Refused, scheme_of, ec.generate_private_key(ec.SECP521R1()).public_key())

    def test_rsa_counts_with_the_padding_of_the_scheme_only(self) -> None:
        key, login = private_key(KeyType.RSA2048), transcript(Scheme.RSA_PSS)
        assert isinstance(key, rsa.RSAPrivateKey)
        message = login.encode(Prover.COMPONENT)
        for other in (padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), 20)):
            self.assertRaises(Refused, verify, key.public_key(), login, key.sign(message, other, hashes.SHA256()))

    def test_the_cores_side_of_a_login_is_no_proof_of_the_component(self) -> None:
        key, login = private_key(KeyType.P256), transcript(Scheme.ECDSA_P256)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        proof = key.sign(login.encode(Prover.CORE), ec.ECDSA(hashes.SHA256()))
        self.assertRaises(Refused, verify, key.public_key(), login, proof)
