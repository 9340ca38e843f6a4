"""Registering keys: who may, for which names, and how often one may guess."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet.defer import Deferred, execute

from pkid.auth.component_keyring import MemoryKeyring, SharedSecret, StoredCredential
from pkid.auth.one_time_pins import OneTimePins
from pkid.auth.pins import HashedPin, PlainPin
from pkid.auth.public_keys import read_public_key
from pkid.auth.registration import Applicant, Entitlement, Registrar, Registration
from pkid.auth.tenants import DeclaredTenants
from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.patterns import ComponentPattern
from pkid.ca.policy import ANY_NAME, Policy, Rules
from pkid.errors import Malformed, PkidError, Reason, Refused, Unavailable
from tests.auth.logins import outcome
from tests.auth.pin_store import MemoryPins
from tests.certificates import NOON, private_key
from tests.support import Case

T = TypeVar("T")
SPKI, PEM, DER = PublicFormat.SubjectPublicKeyInfo, Encoding.PEM, Encoding.DER
KEY = private_key(KeyType.ED25519).public_key().public_bytes(PEM, SPKI)
OTHER = private_key(KeyType.P256).public_key().public_bytes(PEM, SPKI)
PIN = "11223344"
STRANGER = Applicant("192.0.2.1")


def only(*names: str) -> Policy:
    return Policy(components=Rules(tuple(map(ComponentPattern, names))))


class RegistrationCase(Case):
    def setUp(self) -> None:
        self.now = 1000.0
        self.keyring = MemoryKeyring()
        self.privileged: set[str] = set()
        self.policies: dict[str, Policy] = {"psk:any": ANY_NAME, "psk:star": only("a*"), "psk:alice": only("alice")}
        self.tenants = DeclaredTenants(lambda names: None)
        self.tenants.exchange("test", {".": PlainPin(PIN), "org": HashedPin.make("55667788", b"s" * 16), "com": None})
        self.one_time = OneTimePins(MemoryPins(), lambda: NOON + timedelta(seconds=self.now), os.urandom)
        self.offload: Any = execute
        self.count = 0
        entitlement = Entitlement(
            self.is_reserved, self.policies.get, lambda name: name.partition(".")[2] or ".", self.tenants,
            self.one_time, lambda work: self.offload(work), lambda: self.now,
        )  # fmt: skip
        self.registrar = Registrar(self.keyring, entitlement, self.next_identifier)

    def next_identifier(self) -> str:
        self.count += 1
        return str(self.count)

    async def is_reserved(self, name: str) -> bool:
        return name in self.privileged or bool(await self.keyring.find(name))

    def register(self, name: str, pin: str | None = None, applicant: Applicant = STRANGER, key: bytes = KEY) -> str:
        """Register a key; return its identifier."""
        return outcome(self.registrar.register(name, Registration(key, pin), applicant)).identifier

    def issue(self, name: str) -> str:
        """Hand out a PIN for a name."""
        return outcome(self.one_time.issue(name, timedelta(hours=1), "psk:default"))

    def refused(
        self, reason: Reason, name: str, pin: str | None = None, applicant: Applicant = STRANGER, key: bytes = KEY
    ) -> None:
        """Fail the test unless a registration is refused for this reason, and nothing is stored."""
        before = outcome(self.keyring.list())
        refused = self.assertRaises(PkidError, self.register, name, pin, applicant, key)
        self.assertIs(refused.reason, reason)
        self.assertEqual(outcome(self.keyring.list()), before)


class PinRegistrationTests(RegistrationCase):
    def test_a_tenants_pin_registers_the_first_key_of_a_name_in_it(self) -> None:
        self.register("alice", PIN)
        self.register("alice.org", "55667788")
        (stored,) = outcome(self.keyring.find("alice"))
        self.assertEqual((stored.identifier, stored.expires, stored.created_by), ("1", None, "tenant:."))
        self.assertEqual(stored.material, private_key(KeyType.ED25519).public_key())

    def test_a_pin_is_for_its_tenant(self) -> None:
        for name, pin in (
            ("alice", "55667788"), ("alice.org", PIN), ("alice", ""), ("alice", PIN[:-1]), ("alice.com", PIN),
            ("alice.com", ""), ("alice.net", PIN),
        ):  # fmt: skip
            self.setUp()
            self.refused(Reason.WRONG_PIN, name, pin)

    def test_without_a_pin_nothing_is_registered(self) -> None:
        self.refused(Reason.NOT_ENTITLED, "alice")

    def test_names_with_rights_or_a_key_are_not_to_be_had_by_a_tenants_pin(self) -> None:
        self.privileged.add("admin")
        self.refused(Reason.NAME_TAKEN, "admin", PIN)
        self.register("alice", PIN)
        self.refused(Reason.NAME_TAKEN, "alice", PIN, key=OTHER)
        outcome(self.keyring.add(StoredCredential("old", "bob", SharedSecret("hush"), NOON - timedelta(days=1))))
        self.refused(Reason.NAME_TAKEN, "bob", PIN)

    def test_who_does_not_know_the_pin_does_not_learn_which_names_are_taken(self) -> None:
        self.privileged.add("admin")
        self.refused(Reason.WRONG_PIN, "admin", "wrong")

    def test_a_pin_for_the_name_registers_whatever_the_name_has(self) -> None:
        self.privileged.add("admin")
        pin = self.issue("admin")
        self.refused(Reason.WRONG_PIN, "alice", pin)
        self.register("admin", pin)
        self.assertEqual(outcome(self.keyring.find("admin"))[0].created_by, "pin:admin")
        self.refused(Reason.WRONG_PIN, "admin", pin, key=OTHER)

    def test_guessing_is_limited_by_address(self) -> None:
        for _ in range(5):
            self.refused(Reason.WRONG_PIN, "alice", "guess")
        self.refused(Reason.BUSY, "alice", PIN)
        self.refused(Reason.BUSY, "alice", self.issue("alice"))
        self.now += 60
        self.register("alice", PIN)

    def test_guessing_is_limited_by_tenant_from_wherever_it_comes(self) -> None:
        for number in range(30):
            self.refused(Reason.WRONG_PIN, "alice", "guess", Applicant(f"192.0.2.{number}"))
        self.refused(Reason.BUSY, "alice", PIN, Applicant("198.51.100.1"))
        self.register("alice.org", "55667788", Applicant("198.51.100.2"))
        self.register("bob", self.issue("bob"), Applicant("198.51.100.2"))

    def test_right_pins_are_not_counted(self) -> None:
        for number in range(40):
            self.register(f"worker-{number}", PIN)

    def test_one_name_is_registered_once_however_many_try_at_a_time(self) -> None:
        held: list[Deferred[None]] = []

        def hold(work: Any) -> Deferred[Any]:
            held.append(Deferred())
            return held[-1].addCallback(lambda _: work())

        self.offload = hold
        tries = [
            Deferred.fromCoroutine(self.registrar.register("alice", Registration(key, PIN), STRANGER))
            for key in (KEY, OTHER)
        ]
        self.failureResultOf(tries[1], Unavailable)
        for each in held:
            each.callback(None)
        self.assertEqual(self.successResultOf(tries[0]).identifier, "1")
        self.offload = execute
        self.refused(Reason.NAME_TAKEN, "alice", PIN, key=OTHER)


class HolderRegistrationTests(RegistrationCase):
    def test_who_proved_a_name_by_its_key_may_add_another(self) -> None:
        first = self.register("alice", PIN)
        self.register("alice", None, Applicant("192.0.2.1", "alice", f"key:{first}"), OTHER)
        self.assertEqual(len(outcome(self.keyring.find("alice"))), 2)

    def test_a_pre_shared_key_must_list_the_name(self) -> None:
        self.privileged.add("alice")
        for psk in ("any", "star", "gone"):
            self.refused(Reason.NOT_ENTITLED, "alice", None, Applicant("192.0.2.1", "alice", f"psk:{psk}"))
        self.register("alice", None, Applicant("192.0.2.1", "alice", "psk:alice"))
        self.assertEqual(outcome(self.keyring.find("alice"))[0].created_by, "psk:alice")

    def test_other_proofs_do_not_entitle(self) -> None:
        for credential in ("certificate:1f", "password:file", "password:key", "", "key"):
            if credential != "key":
                self.refused(Reason.NOT_ENTITLED, "alice", None, Applicant("192.0.2.1", "alice", credential))

    def test_a_name_registers_for_itself_only(self) -> None:
        for credential in ("key:1", "psk:alice"):
            self.refused(Reason.NOT_ENTITLED, "bob", PIN, Applicant("192.0.2.1", "alice", credential))

    def test_an_admin_registers_for_everybody(self) -> None:
        self.privileged.add("superuser")
        admin = Applicant("192.0.2.1", "root", "key:9", True)
        for name in ("alice", "superuser", "bob.org"):
            self.register(name, None, admin)
        self.register("alice", None, admin, OTHER)
        self.assertEqual({each.created_by for each in outcome(self.keyring.list())}, {"root"})


class KeyTests(RegistrationCase):
    def test_keys_in_every_form_are_read(self) -> None:
        for kind in (KeyType.RSA2048, KeyType.P256, KeyType.P384, KeyType.ED25519):
            key = private_key(kind).public_key()
            for encoding in (PEM, DER):
                self.assertEqual(key_bytes(read_public_key(key.public_bytes(encoding, SPKI))), key_bytes(key))
        key = private_key(KeyType.RSA2048).public_key()
        for encoding in (PEM, DER):
            self.assertEqual(key_bytes(read_public_key(key.public_bytes(encoding, PublicFormat.PKCS1))), key_bytes(key))

    def test_what_is_no_key_or_a_weak_one_is_refused(self) -> None:
        weak = (
            rsa.generate_private_key(65537, 1024).public_key().public_bytes(PEM, SPKI),
            ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(DER, SPKI),
        )
        for content in weak:
            self.assertRaises(Refused, read_public_key, content)
        for content in (b"", b"hush hush", b"-----BEGIN PUBLIC KEY-----", b"\x30" * 100, KEY + b"x" * 9000):
            self.assertRaises(Malformed, read_public_key, content)
            self.refused(Reason.WEAK_KEY, "alice", PIN, key=content)

    def test_the_same_key_twice_is_stored_once(self) -> None:
        first = self.register("alice", PIN)
        holder = Applicant("192.0.2.1", "alice", f"key:{first}")
        self.assertEqual(self.register("alice", None, holder), first)
        later = Registration(KEY, None, NOON)
        self.assertNotEqual(outcome(self.registrar.register("alice", later, holder)).identifier, first)

    def test_a_name_must_be_one(self) -> None:
        self.refused(Reason.BAD_NAME, "../alice", None, Applicant("192.0.2.1", "root", "key:9", True))

    def test_a_pin_is_not_shown(self) -> None:
        self.assertNotIn(PIN, repr(Registration(KEY, PIN)))


class UnregisterTests(RegistrationCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.register("alice", PIN)
        self.second = self.register("alice", None, Applicant("192.0.2.1", "alice", f"key:{self.first}"), OTHER)

    def left(self) -> list[str]:
        return [credential.identifier for credential in outcome(self.keyring.find("alice"))]

    def test_the_key_that_was_used_is_forgotten(self) -> None:
        ended = outcome(self.registrar.unregister("alice", f"key:{self.first}"))
        self.assertEqual(ended, [f"key:{self.first}"])
        self.assertEqual(self.left(), [self.second])

    def test_who_used_something_else_forgets_them_all(self) -> None:
        ended = outcome(self.registrar.unregister("alice", "psk:alice"))
        self.assertEqual(set(ended), {f"key:{self.first}", f"key:{self.second}"})
        self.assertEqual(self.left(), [])

    def test_what_is_kept_elsewhere_cannot_be_forgotten_here(self) -> None:
        for name, credential in (("alice", "key:elsewhere"), ("bob", "psk:any")):
            refused = self.assertRaises(Refused, outcome, self.registrar.unregister(name, credential))
            self.assertIs(refused.reason, Reason.KEPT_ELSEWHERE)
        self.assertEqual(len(self.left()), 2)
