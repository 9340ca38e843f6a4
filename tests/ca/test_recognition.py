"""Signatures of certificates are verified once, and not longer believed than their issuers count."""

from __future__ import annotations

from collections import Counter

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca import recognition
from pkid.ca.chain import is_der_issued_by
from pkid.ca.issuer import Issuer
from pkid.ca.recognition import Recognition
from tests.certificates import NOON, authority, private_key, profile
from tests.support import Case


class RecognitionTests(Case):
    def setUp(self) -> None:
        self.first, self.second = authority("CN=first"), authority("CN=second")
        self.recognition = Recognition(most=2)
        self.done: Counter[str] = Counter()

        def counted(*arguments: object) -> bool:
            self.done["verifications"] += 1
            return is_der_issued_by(*arguments)  # type: ignore[arg-type]

        self.patch(recognition, "is_der_issued_by", counted)

    def leaf(self, issuer: Issuer, serial: int = 2**130) -> bytes:
        approved = profile().approve_self_test(private_key().public_key())
        return issuer.sign(approved, NOON, serial).public_bytes(Encoding.DER)

    def verifications(self, certificate: bytes, *issuers: Issuer) -> int:
        """Ask for a certificate's chain, and return how many signatures that took."""
        self.done.clear()
        self.recognition.chain_above(certificate, tuple(issuer.chain for issuer in issuers))
        return self.done["verifications"]

    def test_the_chain_is_that_of_the_issuer(self) -> None:
        chains = (self.first.chain, self.second.chain)
        for issuer in (self.first, self.second):
            for _ in "12":
                self.assertEqual(self.recognition.chain_above(self.leaf(issuer), chains), issuer.chain)

    def test_a_signature_is_verified_once(self) -> None:
        leaf = self.leaf(self.first)
        self.assertEqual([self.verifications(leaf, self.first) for _ in range(3)], [1, 0, 0])

    def test_one_byte_more_or_less_is_another_certificate(self) -> None:
        leaf = self.leaf(self.first)
        self.verifications(leaf, self.first)
        for other in (leaf[:-1], leaf[:-1] + bytes([leaf[-1] ^ 1]), leaf + b"\0"):
            self.assertIsNone(self.recognition.chain_above(other, (self.first.chain,)))

    def test_an_issuer_that_does_not_count_any_more_is_not_believed(self) -> None:
        leaf = self.leaf(self.first)
        self.verifications(leaf, self.first, self.second)
        self.assertIsNone(self.recognition.chain_above(leaf, (self.second.chain,)))
        self.assertEqual(self.recognition.chain_above(leaf, (self.second.chain, self.first.chain)), self.first.chain)

    def test_strangers_leave_nothing_behind(self) -> None:
        ours, strangers = self.leaf(self.first), [self.leaf(self.second, 2**130 + number) for number in range(4)]
        self.verifications(ours, self.first)
        self.assertEqual([self.verifications(each, self.first) for each in strangers * 2], [1] * 8)
        self.assertEqual(self.verifications(ours, self.first), 0)

    def test_the_one_not_shown_for_longest_is_forgotten(self) -> None:
        one, two, three = (self.leaf(self.first, 2**130 + number) for number in range(3))
        asked = [self.verifications(each, self.first) for each in (one, two, one, three, one, two)]
        self.assertEqual(asked, [1, 1, 0, 1, 0, 1])
