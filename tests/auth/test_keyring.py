"""The keyring: which pre-shared keys are good, which one comes first, and what governs a renewal."""

from __future__ import annotations

from datetime import timedelta

from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey, Terms, is_key_name
from pkid.ca.patterns import HostPattern
from pkid.ca.policy import Policy, Rules
from tests.certificates import NOON, PSK
from tests.support import Case


def key(name: str, days: float | None = None, *, bootstrap: bool = False, policy: Policy | None = None) -> PreSharedKey:
    """Return a key that ends so many days after noon."""
    expires = None if days is None else NOON + timedelta(days=days)
    return PreSharedKey(
        name, f"the pre-shared key {name}", Terms(expires=expires, bootstrap=bootstrap, policy=policy or Policy())
    )


class KeyringTests(Case):
    def setUp(self) -> None:
        self.now = NOON.timestamp()

    def names(self, *psks: PreSharedKey) -> list[str]:
        return [psk.name for psk in Keyring(psks, lambda: self.now).current()]

    def test_the_first_is_the_one_that_ends_first(self) -> None:
        self.assertEqual(self.names(key("never"), key("later", 2), key("sooner", 1)), ["sooner", "later", "never"])

    def test_of_those_that_end_together_the_default_is_first_and_then_the_order_counts(self) -> None:
        self.assertEqual(self.names(key("b"), key("a"), PSK), ["default", "b", "a"])
        self.assertEqual(self.names(key("b", 1), PSK, key("a", 1)), ["b", "a", "default"])

    def test_the_one_that_is_marked_comes_before_all_while_it_is_good(self) -> None:
        keys = key("sooner", 1), key("marked", 2, bootstrap=True), PSK
        self.assertEqual(self.names(*keys), ["marked", "sooner", "default"])
        self.now = (NOON + timedelta(days=2)).timestamp()
        self.assertEqual(self.names(*keys), ["default"])

    def test_a_key_is_good_until_its_instant(self) -> None:
        keyring = Keyring([key("ending", 1)], lambda: self.now)
        end = (NOON + timedelta(days=1)).timestamp()
        for instant, good in ((0.0, True), (end - 0.001, True), (end, False), (end + 1, False)):
            self.now = instant
            self.assertEqual(keyring.find("ending") is not None, good, instant)
            self.assertEqual(keyring.holds(key("ending", 1)), good, instant)

    def test_a_clock_that_is_set_back_brings_a_key_back(self) -> None:
        keyring = Keyring([key("ending", 1), PSK], lambda: self.now)
        seen = []
        for days in (0, 1, 0.5, -1, 2):
            self.now = (NOON + timedelta(days=days)).timestamp()
            seen.append(len(keyring.current()))
        self.assertEqual(seen, [2, 1, 2, 2, 1])

    def test_keys_that_are_exchanged_are_current_at_once(self) -> None:
        keyring = Keyring([key("a")], lambda: self.now)
        before = [psk.name for psk in keyring.current()]
        keyring.exchange([key("b"), PSK])
        self.assertEqual((before, [psk.name for psk in keyring.current()]), (["a"], ["default", "b"]))

    def test_no_name_finds_no_key(self) -> None:
        keyring = Keyring([PSK], lambda: self.now)
        self.assertEqual([keyring.find(name) for name in (None, "", "other", "default")], [None, None, None, PSK])

    def test_the_policy_of_an_expired_key_still_governs_and_that_of_a_removed_one_does_not(self) -> None:
        policy = Policy(dns=Rules((HostPattern("a.b"),)))
        keyring = Keyring([key("ended", -1, policy=policy), PSK], lambda: self.now)
        self.assertEqual(keyring.policy_of("psk:ended"), policy)
        self.assertEqual(keyring.policy_of("psk:default"), Policy())
        keyring.exchange([PSK])
        for credential in ("psk:ended", "psk:", "default", "nobody", ""):
            self.assertIsNone(keyring.policy_of(credential), credential)

    def test_a_key_with_another_secret_is_another_key(self) -> None:
        self.assertFalse(Keyring([PSK], lambda: self.now).holds(PreSharedKey(PSK.name, "another secret")))


class NameTests(Case):
    def test_names_of_keys(self) -> None:
        for name in ("a", "autumn", "A.b_c-9", "0", "x" * 64):
            self.assertTrue(is_key_name(name), name)
        for name in ("", ".", "..", "-a", "_a", ".a", "x" * 65, "a/b", "a b", "a\n", "\u00e4", "a\0"):
            self.assertFalse(is_key_name(name), name)
