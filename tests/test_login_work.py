"""How much work a login makes at the core, counted: proofs are checked once, and the ledger is not asked."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event
from twisted.internet.defer import execute
from twisted.internet.task import Clock

from pkid.auth import derivation, keyring_checkers, scram, steps
from pkid.auth.component_keyring import Material, StoredCredential
from pkid.auth.psk import PreSharedKey
from pkid.auth.psk_proof import PskProof, authentication_code
from pkid.auth.schemes import Scheme
from pkid.auth.tokens import derive_key
from pkid.auth.transcript import BindingType, Prover
from pkid.auth.unbound import PreSharedKeys
from pkid.store.keyring import StoredKeyring
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite
from tests.auth.login_case import KEYS, VERIFIER, LoginCase
from tests.auth.logins import CLIENT_NONCE, outcome
from tests.auth.test_psk_proof import GREETING, SEEN
from tests.certificates import NOON
from tests.test_work import counting

LOGINS = 20
PSK = PreSharedKey("default", "0123456789abcdef0123456789abcdef")


class LoginWorkTests(LoginCase):
    """Logins by what the ledger holds, and by the pre-shared key."""

    def setUp(self) -> None:
        super().setUp()
        self.done: Counter[str] = Counter()
        self.clock = Clock()
        engine = open_sqlite(Path(self.mktemp()))
        self.addCleanup(engine.dispose)
        keyring = StoredKeyring(SQLStore(engine, execute), self.clock, lambda: NOON)
        keyring.startService()
        self.keyring = keyring  # type: ignore[assignment]
        self.psks.exchange([PSK])
        event.listen(engine, "before_cursor_execute", lambda *_: self.done.update(["statements"]))
        event.listen(engine, "commit", lambda _: self.done.update(["commits"]))
        for what, owner, name in (
            ("verifications", keyring_checkers, "verify"),
            ("passwords derived", scram, "salted_password"),
            ("keys derived", derivation, "derive_key"),
            ("waits", steps, "_go_on"),
        ):
            self.patch(owner, name, counting(self.done, what, getattr(owner, name)))

    def know(self, material: Material) -> None:
        outcome(self.keyring.add(StoredCredential("1", "alice", material)))
        self.done.clear()

    def sign(self) -> None:
        """Log in with a key."""
        login = self.login()
        seen = self.seen(Scheme.ED25519, outcome(login.offer("alice")))
        self.admitted(login, self.signed(Scheme.ED25519, seen))

    def show_key(self, salt: bytes) -> None:
        """Log in with the pre-shared key."""
        login = self.login(GREETING, ("psk", PreSharedKeys()))
        code = authentication_code(derive_key(PSK.secret, salt), SEEN, Prover.COMPONENT)
        self.admitted(login, PskProof(PSK.name, salt, CLIENT_NONCE, BindingType.TLS_EXPORTER, code))

    def test_a_signature_is_verified_once_and_that_is_all(self) -> None:
        self.know(KEYS[Scheme.ED25519].public_key())
        self.sign()
        self.assertEqual(self.done, {"verifications": 1})

    def test_a_password_is_proven_without_a_derivation(self) -> None:
        self.know(VERIFIER)
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.admitted(login, self.final)
        self.assertEqual(self.done, {"waits": 1})  # for the component's final message

    def test_a_salt_that_is_known_is_proven_by_without_a_wait(self) -> None:
        self.show_key(bytes(16))
        self.done.clear()
        self.show_key(bytes(16))
        self.assertEqual(self.done, {})

    def test_uses_of_credentials_are_written_later_and_together(self) -> None:
        self.know(KEYS[Scheme.ED25519].public_key())
        for _ in range(LOGINS):
            self.sign()
        self.assertEqual((self.done["statements"], self.done["commits"]), (0, 0))
        self.clock.advance(timedelta(minutes=1).total_seconds())
        self.assertEqual(self.done["commits"], 1)

    def test_a_new_salt_is_derived_once_for_all_logins_with_it(self) -> None:
        self.done.clear()
        for salt in (bytes(16), bytes(16), b"s" * 16):
            self.show_key(salt)
        self.assertEqual(self.done, {"keys derived": 2})
