"""Logins by a name and a password, checked by a checker that comes with Twisted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet.defer import Deferred, succeed

from pkid.auth.authentication import Authentication
from pkid.auth.component_credentials import Password
from pkid.auth.component_keyring import SharedSecret
from pkid.auth.decoys import Decoys
from pkid.auth.login import Login
from pkid.auth.password_checker import ATTEMPTS_SPAN, MOST_ATTEMPTS
from pkid.auth.proofs import PasswordProof
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.errors import Unavailable
from tests.auth.login_case import GREETING, LoginCase
from tests.auth.logins import outcome

GOOD = PasswordProof("correct horse")


class PasswordLoginTests(LoginCase):
    def setUp(self) -> None:
        super().setUp()
        stock = InMemoryUsernamePasswordDatabaseDontUse()
        for name in ("alice", "bob", "no name!"):
            stock.addUser(name.encode(), b"correct horse")
        self.authenticated = self.authentication(("memory", stock))

    def begin(self, channel: Channel = GREETING.channel, peer: str = "192.0.2.1") -> Login:
        return self.authenticated.logins.begin(replace(GREETING, channel=channel), peer)

    def test_a_password_proves_a_name(self) -> None:
        self.assertEqual(self.admitted(self.begin(), GOOD).credential, "password:memory")
        self.refused(self.begin(), PasswordProof("wrong horse"))
        self.refused(self.begin(), GOOD, "carol")

    def test_it_is_for_tls_alone(self) -> None:
        self.refused(self.begin(Channel(False)), GOOD)
        self.admitted(self.begin(Channel(True)), GOOD)

    def test_it_is_off_unless_there_is_a_checker(self) -> None:
        self.refused(self.login(), GOOD)
        self.assertNotIn(Scheme.PASSWORD, self.authentication().logins.accepted(Scheme))
        self.assertIn(Scheme.PASSWORD, self.authenticated.logins.accepted(Scheme))

    def test_a_name_with_a_credential_of_its_own_needs_that_one(self) -> None:
        self.add("alice", SharedSecret("hush hush"), days=-1)
        self.refused(self.begin(), GOOD)

    def test_what_is_no_components_name_is_refused(self) -> None:
        self.refused(self.begin(), GOOD, "no name!")

    def test_a_checker_that_admits_somebody_else_admits_nobody(self) -> None:
        class Odd(InMemoryUsernamePasswordDatabaseDontUse):
            def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
                return succeed(b"bob")

        self.authenticated = self.authentication(("odd", Odd()))
        self.refused(self.begin(), GOOD)
        self.admitted(self.begin(), GOOD, "bob")

    def test_guessing_is_limited_by_name_and_by_address(self) -> None:
        for number in range(MOST_ATTEMPTS):
            self.refused(self.begin(peer=f"192.0.2.{number}"), PasswordProof("guess"))
        self.assertRaises(Unavailable, outcome, self.begin(peer="192.0.2.99").prove("alice", GOOD))
        for name in ("bob", "carol"):
            for _ in range(MOST_ATTEMPTS // 2):
                self.refused(self.begin(peer="198.51.100.1"), PasswordProof("guess"), name)
        self.assertRaises(Unavailable, outcome, self.begin(peer="198.51.100.1").prove("bob", GOOD))
        self.now += ATTEMPTS_SPAN.total_seconds()
        self.admitted(self.begin(peer="192.0.2.99"), GOOD)

    def test_right_passwords_are_not_counted(self) -> None:
        for _ in range(MOST_ATTEMPTS * 2):
            self.admitted(self.begin(), GOOD)

    def test_it_is_offered_to_all_or_to_none(self) -> None:
        """Else the offers would tell which names have a credential."""
        self.add("alice", SharedSecret("hush hush"))
        stock = ("memory", InMemoryUsernamePasswordDatabaseDontUse())
        decoys = Decoys(b"k" * 32)
        for name in ("alice", "nobody"):
            self.assertIn(Scheme.PASSWORD.value, outcome(self.login(GREETING, stock, decoys=decoys).offer(name)))
            self.assertNotIn(Scheme.PASSWORD.value, outcome(self.login(GREETING, stock).offer(name)))

    def test_it_is_not_offered_without_tls(self) -> None:
        stock = ("memory", InMemoryUsernamePasswordDatabaseDontUse())
        plain = replace(GREETING, channel=Channel(False))
        offers = outcome(self.login(plain, stock, decoys=Decoys(b"k" * 32)).offer("nobody"))
        self.assertTrue(offers)
        self.assertNotIn(Scheme.PASSWORD.value, offers)

    def test_no_password_is_shown(self) -> None:
        self.assertNotIn("horse", repr(GOOD) + repr(Password(b"alice", b"correct horse", "")))

    def test_a_checker_that_takes_nothing_of_ours_is_a_mistake(self) -> None:
        class Useless:
            credentialInterfaces = ()

        self.assertRaises(ValueError, self.authentication, ("useless", Useless()))
        self.assertIsInstance(self.authentication(), Authentication)
