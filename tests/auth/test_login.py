"""A login as a whole: every kind of proof, on each side of each rule, and a relay in the middle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pkid.auth.component_keyring import Material, MemoryKeyring, SharedSecret, StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.login import Login
from pkid.auth.plain import challenge_and_text, secret_digest
from pkid.auth.proofs import Admission, Greeting, PlainProof, Proof, ScramAnswer, ScramFinish, ScramStart, SignedProof
from pkid.auth.schemes import PLAIN, Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.scram_client import ScramClient
from pkid.auth.signatures import sign
from pkid.auth.transcript import BindingType, Channel, Transcript
from pkid.ca.keys import KeyType
from pkid.errors import Reason, Refused
from tests.auth.logins import CLIENT_NONCE, EXPORTER, SERVER_NONCE, differing, outcome
from tests.certificates import NOON, private_key
from tests.support import Case

KEYS = {
    Scheme.RSA_PSS: private_key(KeyType.RSA2048),
    Scheme.ECDSA_P256: private_key(KeyType.P256),
    Scheme.ECDSA_P384: private_key(KeyType.P384),
    Scheme.ED25519: private_key(KeyType.ED25519),
}
PASSWORD = "correct horse"
VERIFIER = ScramVerifier.make(PASSWORD, b"saltsalt", 4096)
BOUND = tuple(scheme for scheme in Scheme if scheme not in PLAIN)
TLS = Channel(True, EXPORTER)
GREETING = Greeting("core.example", SERVER_NONCE, TLS, BOUND)
NOISE = b"\x5a" * 64


class LoginCase(Case):
    """Has one keyring for all logins."""

    def setUp(self) -> None:
        self.keyring = MemoryKeyring()
        self.now = NOON.timestamp()
        self.count = 0

    def add(self, component: str, material: Material, days: float | None = None) -> StoredCredential:
        self.count += 1
        expires = None if days is None else NOON + timedelta(days=days)
        credential = StoredCredential(str(self.count), component, material, expires)
        outcome(self.keyring.add(credential))
        return credential

    def login(self, greeting: Greeting = GREETING, decoys: Decoys | None = None) -> Login:
        return Login(greeting, self.keyring, lambda: self.now, decoys=decoys)

    def seen(self, scheme: Scheme, offers: tuple[str, ...], name: str = "alice", channel: Channel = TLS) -> Transcript:
        """Return the transcript of an honest component."""
        bound = channel.exporter is not None and scheme is not Scheme.SCRAM
        kind = BindingType.TLS_EXPORTER if bound else BindingType.NONE
        value = channel.exporter if bound and channel.exporter else b""
        return Transcript("core.example", SERVER_NONCE, CLIENT_NONCE, name, offers, scheme.value, kind, value)

    def signed(self, scheme: Scheme, transcript: Transcript) -> SignedProof:
        return SignedProof(scheme, CLIENT_NONCE, transcript.binding_type, sign(KEYS[scheme], transcript))

    def refused(self, login: Login, proof: Proof, name: str = "alice") -> None:
        """Fail the test unless a proof is refused as any other."""
        refused = self.assertRaises(Refused, outcome, login.prove(name, proof))
        self.assertEqual((refused.reason, refused.subject), (Reason.PROOF_FAILED, ""))
        self.assertIsNone(refused.__cause__)

    def admitted(self, login: Login, proof: Proof, name: str = "alice") -> Admission:
        """Return whom a proof admits."""
        admission = outcome(login.prove(name, proof))
        assert isinstance(admission, Admission)
        return admission

    def scram(self, login: Login, mine: Transcript, password: str = PASSWORD) -> ScramClient:
        """Take the first step of SCRAM and the second, but for the core's answer to it."""
        client = ScramClient(password, mine)
        answer = outcome(login.prove(mine.component, ScramStart(Scheme(mine.chosen), CLIENT_NONCE, client.start())))
        assert isinstance(answer, ScramAnswer)
        self.final = ScramFinish(client.prove(answer.message))
        return client


class SignatureLoginTests(LoginCase):
    """Public keys."""

    def test_every_kind_of_key_proves_a_name(self) -> None:
        for scheme, key in KEYS.items():
            credential = self.add(scheme.name, key.public_key())
            login = self.login()
            offers = outcome(login.offer(scheme.name))
            self.assertEqual(offers, (scheme.value,))
            proof = self.signed(scheme, self.seen(scheme, offers, scheme.name))
            admission = self.admitted(login, proof, scheme.name)
            self.assertEqual(admission, Admission(scheme.name, f"key:{credential.identifier}"))

    def test_a_relay_does_not_get_in(self) -> None:
        for scheme, key in KEYS.items():
            self.add(scheme.name, key.public_key())
            offers = outcome(self.login().offer(scheme.name))
            for what, other in differing(self.seen(scheme, offers, scheme.name)):
                if other.offers == offers and what.endswith("offers"):
                    continue
                login = self.login()
                outcome(login.offer(scheme.name))
                with self.assertRaises(Refused, msg=f"{scheme}: {what}"):
                    outcome(login.prove(scheme.name, self.signed(scheme, other)))

    def test_stripped_offers_are_noticed(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        self.add("alice", KEYS[Scheme.RSA_PSS].public_key())
        login = self.login()
        self.assertEqual(len(outcome(login.offer("alice"))), 2)
        self.refused(login, self.signed(Scheme.RSA_PSS, self.seen(Scheme.RSA_PSS, (Scheme.RSA_PSS.value,))))

    def test_a_recorded_proof_is_worth_nothing_on_another_connection(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.admitted(login, proof)
        for greeting in (replace(GREETING, nonce=b"n" * 32), replace(GREETING, channel=Channel(True, b"X" * 32))):
            other = self.login(greeting)
            outcome(other.offer("alice"))
            self.refused(other, proof)

    def test_there_is_one_attempt(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        good = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.refused(login, replace(good, signature=NOISE))
        self.refused(login, good)

    def test_any_active_key_will_do(self) -> None:
        older = self.add("alice", KEYS[Scheme.ED25519].public_key())
        self.add("alice", KeyType.ED25519.generate().public_key())
        login = self.login()
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice"))))
        self.assertEqual(self.admitted(login, proof).credential, f"key:{older.identifier}")
        self.assertEqual(outcome(self.keyring.find("alice"))[1].last_used, NOON)

    def test_an_expired_key_proves_nothing_and_the_name_needs_a_proof_still(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key(), days=-1)
        login = self.login()
        offers = outcome(login.offer("alice"))
        self.assertEqual(offers, (Scheme.ED25519.value,))
        self.refused(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, offers)))

    def test_only_what_was_offered_counts(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login()
        offers = outcome(login.offer("alice"))
        self.add("alice", KEYS[Scheme.RSA_PSS].public_key())
        self.refused(login, self.signed(Scheme.RSA_PSS, self.seen(Scheme.RSA_PSS, offers)))

    def test_an_unasked_proof_covers_the_offers_of_the_greeting(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        all_offers = tuple(scheme.value for scheme in BOUND)
        self.admitted(self.login(), self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, all_offers)))
        self.refused(self.login(), self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, all_offers[:-1])))

    def test_a_nonce_of_another_size_is_refused(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        for nonce in (b"", CLIENT_NONCE[:-1], CLIENT_NONCE * 2):
            self.refused(self.login(), SignedProof(Scheme.ED25519, nonce, BindingType.TLS_EXPORTER, NOISE))

    def test_a_scheme_that_the_door_does_not_take_is_refused(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login(replace(GREETING, accepted=(Scheme.RSA_PSS,)))
        offers = outcome(login.offer("alice"))
        self.assertEqual(offers, (Scheme.ED25519.value,))  # never nothing, or the name could be claimed
        self.refused(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, offers)))

    def test_a_signature_scheme_is_never_tried_on_a_password(self) -> None:
        self.add("alice", VERIFIER)
        self.add("alice", SharedSecret("hush hush"))
        all_offers = tuple(scheme.value for scheme in BOUND)
        for scheme in KEYS:
            self.refused(self.login(), self.signed(scheme, self.seen(scheme, all_offers)))

    def test_other_schemes_do_not_pass_as_signatures(self) -> None:
        for material in (KEYS[Scheme.ED25519].public_key(), VERIFIER, SharedSecret("hush hush")):
            self.add("alice", material)
        for scheme in set(Scheme) - set(KEYS):
            self.refused(self.login(), SignedProof(scheme, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE))


class BindingTests(LoginCase):
    """Which connections take which proofs."""

    def attempt(self, channel: Channel, seen: Channel) -> Admission:
        login = self.login(replace(GREETING, channel=channel))
        transcript = self.seen(Scheme.ED25519, outcome(login.offer("alice")), channel=seen)
        return self.admitted(login, self.signed(Scheme.ED25519, transcript))

    def test_an_unbound_proof_is_for_plain_connections_or_by_configuration(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        plain = Channel(False)
        for channel in (Channel(False), Channel(True, None, True), Channel(True, EXPORTER, True)):
            self.attempt(channel, plain)
        for channel in (Channel(True), Channel(True, EXPORTER)):
            self.assertRaises(Refused, self.attempt, channel, plain)

    def test_legs_of_different_versions_do_not_agree(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        for far in (Channel(True), Channel(True, b"F" * 32), Channel(True, b"F" * 32, True)):
            self.assertRaises(Refused, self.attempt, far, TLS)


class ScramLoginTests(LoginCase):
    """Passwords."""

    def setUp(self) -> None:
        super().setUp()
        self.credential = self.add("alice", VERIFIER)

    def offers(self, channel: Channel) -> tuple[str, ...]:
        return outcome(self.login(replace(GREETING, channel=channel)).offer("alice"))

    def test_a_password_proves_a_name_and_the_core_proves_itself(self) -> None:
        login = self.login()
        client = self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        admission = self.admitted(login, self.final)
        client.check(admission.evidence)
        self.assertEqual(admission.credential, f"key:{self.credential.identifier}")

    def test_what_is_offered_depends_on_the_connection(self) -> None:
        plus, unbound = Scheme.SCRAM_PLUS.value, Scheme.SCRAM.value
        self.assertEqual(self.offers(TLS), (plus,))
        self.assertEqual(self.offers(Channel(True, EXPORTER, True)), (plus, unbound))
        self.assertEqual(self.offers(Channel(False)), (unbound,))
        self.assertTrue(self.offers(Channel(True)))  # nothing of it will do, but the name must be proven

    def test_on_older_tls_nothing_will_do(self) -> None:
        for scheme in (Scheme.SCRAM, Scheme.SCRAM_PLUS):
            login = self.login(replace(GREETING, channel=Channel(True)))
            mine = self.seen(scheme, outcome(login.offer("alice")))
            self.refused(login, ScramStart(scheme, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_a_relay_does_not_get_in(self) -> None:
        offers = outcome(self.login().offer("alice"))
        for what, other in differing(self.seen(Scheme.SCRAM_PLUS, offers)):
            if other.offers != offers or not what.endswith("offers"):
                login = self.login()
                outcome(login.offer("alice"))
                with self.assertRaises(Refused, msg=what):
                    self.scram(login, other)
                    outcome(login.prove("alice", self.final))

    def test_a_wrong_password_is_refused_and_ends_the_login(self) -> None:
        login = self.login()
        mine = self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice")))
        self.scram(login, mine, "wrong")
        self.refused(login, self.final)
        self.refused(login, self.final)
        self.refused(login, ScramStart(Scheme.SCRAM_PLUS, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_another_proof_in_between_ends_the_exchange(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.refused(login, PlainProof(NOISE))
        self.refused(login, self.final)

    def test_the_second_step_is_for_the_same_name(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.refused(login, self.final, "bob")

    def test_no_second_step_without_the_first(self) -> None:
        self.refused(self.login(), ScramFinish(NOISE))

    def test_garbage_is_refused_as_anything_else(self) -> None:
        self.refused(self.login(), ScramStart(Scheme.SCRAM_PLUS, CLIENT_NONCE, NOISE))

    def test_what_expires_between_the_steps_is_refused(self) -> None:
        self.add("bob", VERIFIER, days=1)
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("bob")), "bob"))
        self.now += 86_400
        self.refused(login, self.final, "bob")

    def test_the_newest_password_counts_that_has_not_expired(self) -> None:
        self.add("alice", ScramVerifier.make("another", b"saltsalt", 4096), days=-1)
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        self.admitted(login, self.final)

    def test_other_schemes_do_not_pass_as_scram(self) -> None:
        plain = replace(GREETING, channel=Channel(False), accepted=tuple(Scheme))
        for scheme in set(Scheme) - {Scheme.SCRAM, Scheme.SCRAM_PLUS}:
            mine = self.seen(scheme, tuple(each.value for each in Scheme), channel=Channel(False))
            self.refused(self.login(plain), ScramStart(scheme, CLIENT_NONCE, ScramClient(PASSWORD, mine).start()))

    def test_what_is_revoked_between_the_steps_is_refused(self) -> None:
        login = self.login()
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("alice"))))
        outcome(self.keyring.revoke(self.credential.identifier))
        self.refused(login, self.final)

    def test_a_downgrade_is_noticed(self) -> None:
        login = self.login(replace(GREETING, channel=Channel(True, EXPORTER, True)))
        mine = self.seen(Scheme.SCRAM, outcome(login.offer("alice")))
        told_nothing = ScramClient(PASSWORD, mine).start().replace(b"n,,", b"y,,")
        self.refused(login, ScramStart(Scheme.SCRAM, CLIENT_NONCE, told_nothing))


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


class UnknownNameTests(LoginCase):
    """Names without a credential."""

    def test_without_decoys_they_are_offered_nothing(self) -> None:
        self.assertEqual(outcome(self.login().offer("nobody")), ())
        self.refused(self.login(), SignedProof(Scheme.ED25519, CLIENT_NONCE, BindingType.TLS_EXPORTER, NOISE))

    def test_with_decoys_they_look_like_others(self) -> None:
        self.add("alice", VERIFIER)
        self.add("bob", KEYS[Scheme.ED25519].public_key())
        decoys = Decoys(b"k" * 32, salt_size=8, iterations=4096)
        true = {outcome(self.login(decoys=decoys).offer(name)) for name in ("alice", "bob")}
        false = {outcome(self.login(decoys=decoys).offer(f"nobody-{number}")) for number in range(30)}
        self.assertEqual(true, false)

    def test_decoys_are_in_nobodys_way(self) -> None:
        self.add("alice", KEYS[Scheme.ED25519].public_key())
        login = self.login(decoys=Decoys(b"k" * 32, (Scheme.ECDSA_P256,)))
        self.admitted(login, self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("alice")))))

    def test_an_exchange_with_a_decoy_goes_on_to_its_end(self) -> None:
        decoys = Decoys(b"k" * 32, (Scheme.SCRAM_PLUS,))
        login = self.login(decoys=decoys)
        self.scram(login, self.seen(Scheme.SCRAM_PLUS, outcome(login.offer("nobody")), "nobody"))
        self.refused(login, self.final, "nobody")

    def test_even_a_proof_that_fits_a_decoy_is_refused(self) -> None:
        class Known(Decoys):
            def credential(self, component: str) -> StoredCredential:
                return StoredCredential("", component, KEYS[Scheme.ED25519].public_key())

        login = self.login(decoys=Known(b""))
        proof = self.signed(Scheme.ED25519, self.seen(Scheme.ED25519, outcome(login.offer("nobody")), "nobody"))
        self.refused(login, proof, "nobody")
