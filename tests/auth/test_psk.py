"""Pre-shared keys: which are too easy to guess, and how one is made."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.auth.psk import PreSharedKey, make_secret, weakness
from tests.support import Case

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)


class WeaknessTests(Case):
    def reason(self, secret: str) -> str:
        """Return why a key is weak; it never repeats the key."""
        reason = weakness(secret)
        assert reason is not None, secret
        if len(secret) > 3:
            self.assertNotIn(secret, reason)
        return reason

    def test_strong_keys(self) -> None:
        for secret in (
            "a good pre-shared key, 1",
            "0f" * 4 + "3a5b7c9d" * 2 + "1",
            "Tr0ub4dor&3-staple",
            "日月火水木金土年月火春夏秋冬東西",
        ):
            self.assertIsNone(weakness(secret), secret)

    def test_short_keys(self) -> None:
        for secret in ("", "changeme", "x", "qp4mz8rk2wn6tb0"):
            self.assertIn("shorter than 16", self.reason(secret))
        self.assertIsNone(weakness("qp4mz8rk2wn6tb0v"))

    def test_keys_that_everybody_tries(self) -> None:
        for secret in (
            "changemechangeme", "ChangeMe-ChangeMe", "changeme12345678", "changeme-2024-2025", "password12345678",
            "12345678password", "CorrectHorseBatteryStaple", "correct horse battery staple", "0123456789abcdef",
            "secret1234567890", "qwertyuiop123456",
        ):  # fmt: skip
            self.assertIn("common", self.reason(secret), secret)

    def test_keys_of_few_characters(self) -> None:
        self.assertIn("different characters", self.reason("a" * 64))
        self.assertIn("different characters", self.reason("abcde" * 10))
        self.assertIsNone(weakness("abcdefghhgfedcbaf"))

    def test_keys_that_repeat_a_short_piece(self) -> None:
        for secret in ("qp4mz8rk" * 2, "qp4mz8rk" * 2 + "qp4", "12345678901234567890", "qp4mz8rk2wn6tb0" * 2):
            self.assertIn("repeats itself", self.reason(secret), secret)

    def test_a_piece_that_is_long_enough_may_repeat(self) -> None:
        self.assertIsNone(weakness("qp4mz8rk2wn6tb0v" * 2))

    def test_the_same_characters_at_both_ends_are_no_repeat(self) -> None:
        self.assertIsNone(weakness("qp4mz8rk2wn6tb0q"))

    @PROPERTY
    @given(st.text(max_size=40))
    def test_any_text_is_strong_or_weak_for_a_reason(self, secret: str) -> None:
        reason = weakness(secret)
        self.assertTrue(reason is None or reason.startswith("it "))


class SecretTests(Case):
    def test_is_256_random_bits_in_hexadecimal(self) -> None:
        asked: list[int] = []

        def random_bytes(size: int) -> bytes:
            asked.append(size)
            return bytes(range(size))

        self.assertEqual(make_secret(random_bytes), bytes(range(32)).hex())
        self.assertEqual(asked, [32])

    def test_is_not_shown(self) -> None:
        shown = repr(PreSharedKey("default", "the secret itself"))
        self.assertIn("default", shown)
        self.assertNotIn("secret itself", shown)
