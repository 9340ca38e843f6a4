"""A component's side of the login, with the core's own side at the other end, and with others in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from twisted.internet.defer import execute

from pkid.auth.authentication import Authentication
from pkid.auth.component_keyring import Material, MemoryKeyring, StoredCredential
from pkid.auth.component_login import Attempt, FalseCore, Invitation, NotBound, NotOffered, begin_attempt
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.login import Login
from pkid.auth.own_credential import OwnCredential, OwnKey, OwnPassword, OwnPreSharedKey
from pkid.auth.proofs import Admission, Greeting, Proof, ScramAnswer
from pkid.auth.schemes import PLAIN, Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.transcript import Channel
from pkid.auth.unbound import PreSharedKeys, StoredKeys
from pkid.ca.keys import KeyType
from pkid.errors import Refused
from tests.auth.logins import CLIENT_NONCE, EXPORTER, OFFERS, SERVER_NONCE, outcome, surroundings
from tests.certificates import NOON, PSK, SALT, signing_key
from tests.support import Case

BOUND = Channel(True, EXPORTER)
PLAIN_TEXT = Channel(False)
PASSWORD = "correct horse"
VERIFIER = ScramVerifier.make(PASSWORD, b"saltsalt", 4096)
KEYS = [kind.generate() for kind in (KeyType.RSA2048, KeyType.P256, KeyType.P384, KeyType.ED25519)]
BY_PSK = OwnPreSharedKey(PSK.name, SALT, signing_key(PSK.secret, SALT))
SEEN = Invitation("core.example", SERVER_NONCE, OFFERS, BOUND)

CREDENTIALS: list[tuple[OwnCredential, Material | None]] = [
    *((OwnKey(key), key.public_key()) for key in KEYS),
    (OwnPassword(PASSWORD), VERIFIER),
    (BY_PSK, None),
]
"""Each kind of credential, and what the core has stored for it."""


def other_sights() -> Iterator[tuple[str, Invitation]]:
    """Yield what a component behind a relay sees instead, and a word for it."""
    yield "other connection", replace(SEEN, channel=Channel(True, b"F" * 32))
    yield "unbound", replace(SEEN, channel=Channel(True, None, unbound_allowed=True))
    yield (
        "stripped offers",
        replace(SEEN, offers=OFFERS[:-1]),
    )
    yield "other core", replace(SEEN, server="core.example.evil")
    yield "other challenge", replace(SEEN, nonce=b"s" * 32)


class LoginCase(Case):
    def core(self, material: Material | None, channel: Channel = BOUND) -> Login:
        """Return the core's side of one login, for which alice has this credential."""
        keyring, now = MemoryKeyring(), NOON.timestamp
        if material is not None:
            outcome(keyring.add(StoredCredential("1", "alice", material)))
        derivation = KeyDerivation(lambda work: execute(work), workers=1)
        derivation.remember(PSK, SALT, BY_PSK.derived)
        core = surroundings(now, psks=Keyring([PSK], now), derivation=derivation, store=keyring)
        authentication = Authentication([("psk", PreSharedKeys()), ("store", StoredKeys())], core)
        return authentication.logins.begin(Greeting("core.example", SERVER_NONCE, channel, tuple(Scheme)))

    def log_in(self, attempt: Attempt, core: Login) -> Admission:
        """Let a component prove that it is alice; raise what either side raises."""
        answer = outcome(core.prove("alice", attempt.start()))
        if isinstance(answer, ScramAnswer):
            answer = outcome(core.prove("alice", attempt.go_on(answer.message)))
        assert isinstance(answer, Admission)
        attempt.check(answer.evidence)
        return answer


class AgreementTests(LoginCase):
    """Component and core."""

    def test_every_kind_of_credential_proves_the_name(self) -> None:
        for own, material in CREDENTIALS:
            for channel in (BOUND, PLAIN_TEXT, Channel(True, None, unbound_allowed=True)):
                attempt = begin_attempt(replace(SEEN, channel=channel), "alice", own, CLIENT_NONCE)
                admission = self.log_in(attempt, self.core(material, channel))
                self.assertEqual(admission.component, "alice")

    def test_a_proof_is_good_for_what_the_component_saw_and_for_nothing_else(self) -> None:
        """A relay passes everything on; the core takes the proof for what it saw itself."""
        for own, material in CREDENTIALS:
            for what, sight in other_sights():
                attempt = begin_attempt(sight, "alice", own, CLIENT_NONCE)
                with self.assertRaises((Refused, FalseCore)):
                    self.fail(f"{what}: {self.log_in(attempt, self.core(material))}")

    def test_a_proof_is_for_one_name(self) -> None:
        for own, material in CREDENTIALS:
            attempt = begin_attempt(SEEN, "bob", own, CLIENT_NONCE)
            with self.assertRaises(Refused):
                self.log_in(attempt, self.core(material))

    def test_nothing_secret_is_shown(self) -> None:
        for own, _ in CREDENTIALS:
            shown = repr(own)
            self.assertNotIn(PASSWORD, shown)
            self.assertNotIn("PrivateKey object", shown)
            self.assertNotIn(repr(BY_PSK.derived), shown)

    def test_a_pre_shared_key_has_a_secret_and_a_salt_of_8_to_64_bytes(self) -> None:
        for secret, salt in (("", SALT), ("x", bytes(7)), ("x", bytes(65))):
            self.assertRaises(ValueError, OwnPreSharedKey.derive, "default", secret, salt)
        self.assertEqual(OwnPreSharedKey.derive(PSK.name, PSK.secret, SALT), BY_PSK)


class DowngradeTests(LoginCase):
    """A core, or somebody in its place, that would like something weaker."""

    def test_a_proof_that_cannot_be_bound_is_not_made(self) -> None:
        for own, _ in CREDENTIALS:
            with self.assertRaises(NotBound):
                begin_attempt(replace(SEEN, channel=Channel(True)), "alice", own, CLIENT_NONCE)

    def test_a_scheme_that_is_weaker_than_the_credential_is_not_used(self) -> None:
        weaker = (Scheme.SCRAM.value, *(scheme.value for scheme in PLAIN), "none", "")
        for own, _ in CREDENTIALS:
            for offers in (weaker, ()):
                seen = replace(SEEN, offers=offers, channel=replace(BOUND, unbound_allowed=True))
                with self.assertRaises(NotOffered) as caught:
                    begin_attempt(seen, "alice", own, CLIENT_NONCE)
                self.assertIn("core.example", str(caught.exception))

    def test_a_password_does_not_go_unbound_where_it_could_be_bound(self) -> None:
        seen = replace(SEEN, offers=(Scheme.SCRAM.value,), channel=replace(BOUND, unbound_allowed=True))
        with self.assertRaises(NotOffered):
            begin_attempt(seen, "alice", OwnPassword(PASSWORD), CLIENT_NONCE)


class FalseCoreTests(LoginCase):
    """Somebody who does not know the component's secret, in the core's place."""

    def test_evidence_of_another_is_no_evidence(self) -> None:
        for own, material in CREDENTIALS[-2:]:
            attempt = begin_attempt(SEEN, "alice", own, CLIENT_NONCE)
            self.log_in(attempt, self.core(material))
            for evidence in (b"", bytes(32), b"v=", b"v=" + b"A" * 43 + b"=", b"\xff", self.proof_of(attempt)):
                self.assertRaises(FalseCore, attempt.check, evidence)

    def proof_of(self, attempt: Attempt) -> bytes:
        """Return the component's own proof, for a core that sends it back."""
        proof: Proof = attempt.start()
        return getattr(proof, "code", b"v=" + b"A" * 43 + b"=")

    def test_a_core_that_skips_the_second_step_is_not_believed(self) -> None:
        attempt = begin_attempt(SEEN, "alice", OwnPassword(PASSWORD), CLIENT_NONCE)
        attempt.start()
        self.assertRaises(FalseCore, attempt.check, b"")
        self.assertRaises(FalseCore, attempt.check, b"v=" + b"A" * 43 + b"=")

    def test_a_message_that_does_not_fit_the_exchange_is_not_answered(self) -> None:
        attempt = begin_attempt(SEEN, "alice", OwnPassword(PASSWORD), CLIENT_NONCE)
        for message in (b"", b"r=other,s=c2FsdHNhbHQ=,i=4096", b"\xff"):
            self.assertRaises(FalseCore, attempt.go_on, message)

    def test_a_second_step_that_the_scheme_does_not_have_is_not_made(self) -> None:
        for own, _ in CREDENTIALS:
            if isinstance(own, OwnPassword):
                continue
            attempt = begin_attempt(SEEN, "alice", own, CLIENT_NONCE)
            self.assertRaises(FalseCore, attempt.go_on, b"again")
