"""Keys of components by commands: what is stored, what is told, whose sessions end."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from twisted.internet.defer import execute

from pkid.auth.component_keyring import SharedSecret, StoredCredential
from pkid.auth.one_time_pins import OneTimePins
from pkid.auth.registration import Registrar
from pkid.auth.scram import ScramVerifier
from pkid.auth.tenants import DeclaredTenants
from pkid.broker.changes import AssignRole, Authorize, PrivateTopic
from pkid.broker.effects import CloseReason
from pkid.broker.topic import Pattern
from pkid.ca.keys import KeyType
from pkid.commands.broker.importing import import_command
from pkid.commands.broker.interfaces import Holdings
from pkid.commands.broker.keys import Keys, key_commands
from pkid.commands.broker.tenants import tenant_commands
from pkid.commands.command import Command
from pkid.tenancy import Tenancy
from tests.audited import audited
from tests.auth.logins import outcome
from tests.auth.pin_store import MemoryPins
from tests.certificates import private_key
from tests.commands.broker.case import READER, BrokerCase

SPKI = PublicFormat.SubjectPublicKeyInfo


class Unasked:
    """An entitlement that nobody is to ask: an admin's word is enough."""


class KeyCase(BrokerCase):
    """Has keys, PINs and tenants, too."""

    def setUp(self) -> None:
        self.stored_tenants: dict[str, tuple[bytes | None, str]] = {}
        super().setUp()

    def make_commands(self) -> Iterable[Command]:
        numbers = count(1)
        registrar = Registrar(self.keyring, Unasked(), lambda: f"k{next(numbers)}")  # type: ignore[arg-type]
        self.pins = OneTimePins(MemoryPins(), self.now, lambda size: b"p" * size)
        keys = Keys(
            broker=self.service, keyring=self.keyring, registrar=registrar, pins=self.pins, offload=execute,
            now=self.now, random=lambda size: b"r" * size,
        )  # fmt: skip
        self.tenants = DeclaredTenants(lambda names: self.service.declare(names))
        tenancy = Tenancy(self, self.tenants, execute)
        declaring = tenant_commands(tenancy, lambda: self.tenants.names, lambda size: b"r" * size)
        self.held = Holdings((StoredCredential("keydir/dave", "dave", SharedSecret("of a file")),))
        importing = import_command(lambda: self.held, self.service, registrar, self.keyring, tenancy)
        return [*super().make_commands(), *key_commands(keys, self.inventory), *declaring, importing]

    # What a store of tenants does:

    def all_now(self) -> dict[str, bytes | None]:
        return {}

    async def declare(self, name: str, pin: bytes | None, by: str) -> None:
        self.stored_tenants[name] = (pin, by)

    async def withdraw(self, name: str, by: str) -> bool:
        return self.stored_tenants.pop(name, None) is not None

    def stored(self, component: str) -> list[StoredCredential]:
        return list(self.successResultOf(self.keyring.find(component)))


class AddTests(KeyCase):
    def test_a_public_key_in_each_form(self) -> None:
        for kind in (KeyType.RSA2048, KeyType.P256, KeyType.ED25519):
            key = private_key(kind).public_key()
            pem = key.public_bytes(Encoding.PEM, SPKI).decode()
            der = base64.b64encode(key.public_bytes(Encoding.DER, SPKI)).decode()
            for written in (f"'{pem}'", f'"{pem.strip()}"', der):
                (found,) = self.run_line(f"broker keys add carol {written}")
                self.assertEqual((found["name"], found["recoverable"]), ("carol", False))
                self.assertEqual(self.stored("carol")[0].material, key)
                self.run_line(f"broker keys revoke {found['key']}")

    def test_a_secret_is_made_told_once_and_not_kept(self) -> None:
        _, line = self.run_line("broker keys add carol --secret --expires-in 30d")
        secret = base64.urlsafe_b64encode(b"r" * 32).decode().rstrip("=")
        self.assertEqual(line, f"secret: {secret}")
        (stored,) = self.stored("carol")
        self.assertEqual(stored.material, ScramVerifier.make(secret, b"r" * 16))
        self.assertEqual(stored.created_by, "psk:default")
        self.assertEqual(stored.expires, self.now() + timedelta(days=30))
        self.assertNotIn(secret, str(self.run_line("broker keys list")))

    def test_an_end_beyond_the_calendar_is_refused(self) -> None:
        self.assertIn("calendar", self.refused("broker keys add carol --secret --expires-in 999999999d"))

    def test_one_that_rembus_clients_need_is_kept_and_marked(self) -> None:
        found, line = self.run_line("broker keys add carol --recoverable-secret")
        (stored,) = self.stored("carol")
        self.assertEqual(stored.material, SharedSecret(line.removeprefix("secret: ")))
        self.assertTrue(found["recoverable"])

    def test_who_only_claimed_the_name_has_to_leave(self) -> None:
        claimed, other = self.core.join("carol"), self.core.join("bob")
        self.run_line("broker keys add carol --secret")
        self.assertEqual((claimed.closed, other.closed), (CloseReason.EXPELLED, None))

    def test_who_proved_the_name_may_stay(self) -> None:
        alice = self.core.join("alice")
        self.run_line("broker keys add alice --secret")
        self.assertIsNone(alice.closed)

    def test_what_makes_no_sense_is_refused(self) -> None:
        weak = private_key(KeyType.RSA2048)
        private = base64.b64encode(weak.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()
        for typed, said in (
            ("carol", "give one of KEY, --secret and --recoverable-secret"),
            ("carol --secret --recoverable-secret", "give one of"),
            ("carol AAAA --secret", "key"),
            ("carol junk!", "expected a public key"),
            (f"carol {private}", "cannot be read"),
            ("ca/rol --secret", "expected a component's name"),
            ("carol --secret --expires-in 0d", "expected a duration"),
        ):
            self.assertIn(said, self.refused(f"broker keys add {typed}"))
        self.assertEqual(self.stored("carol"), [])

    def test_there_is_an_end_to_the_keys_of_one_name(self) -> None:
        for _ in range(8):
            self.run_line("broker keys add carol --secret")
        self.assertIn("8 credentials for carol", self.refused("broker keys add carol --secret"))


class ImportTests(KeyCase):
    """What directories of keys hold goes into the store."""

    def test_keys_tenants_and_rights(self) -> None:
        key = private_key(KeyType.P256).public_key()
        erin = StoredCredential("keydir/erin.pem", "erin", key)
        topic = Pattern("secret")
        changes = PrivateTopic(topic), Authorize(topic, "dave"), AssignRole("erin", "admin")
        self.held = Holdings((*self.held.credentials, erin), {".": "11223344", "org": "55667788"}, changes)
        with audited() as trail:
            told = self.run_line("broker keys import")
        self.assertEqual(told[0], "taken into the store: keys 2, tenants 2, rights 3")
        self.assertEqual([each.material for each in self.stored("dave")], [SharedSecret("of a file")])
        self.assertEqual([(each.material, each.created_by) for each in self.stored("erin")], [(key, "psk:default")])
        self.assertEqual(self.stored_tenants.keys(), {".", "org"})
        self.assertTrue(self.tenants.pins("org")[0].matches("55667788"))
        self.assertEqual(len(self.run_line("broker rights")), 3)
        self.assertEqual(len(trail.lines), 7)
        self.assertNotIn("of a file", str(trail.lines) + str(told))

    def test_again_it_adds_no_key_twice(self) -> None:
        for added in (1, 0):
            told, _ = self.run_line("broker keys import")
            self.assertIn(f"keys {added},", told)
        self.assertEqual(len(self.stored("dave")), 1)

    def test_nothing_is_taken_unless_all_can_be(self) -> None:
        dave, *_ = self.held.credentials
        past = self.now() - timedelta(days=1)
        for held, said in (
            (Holdings(), "there is nothing to import"),
            (Holdings((dave, replace(dave, identifier="keydir/x", expires=past))), "keydir/x cannot be used"),
            (Holdings((dave,), {"org": "1234"}), "the PIN of the tenant org is no PIN; use 8"),
        ):
            self.held = held
            self.assertIn(said, self.refused("broker keys import"))
        self.assertEqual((self.stored("dave"), self.stored_tenants), ([], {}))


class RevokeTests(KeyCase):
    def test_sessions_that_it_opened_end(self) -> None:
        self.add("alice", "alice")  # the logins of these tests call credentials by the component
        alice, superuser = self.core.join("alice"), self.core.join("superuser")
        self.assertEqual(self.run_line("broker keys revoke alice"), ["alice is revoked; 1 session ended"])
        self.assertIsNotNone(alice.closed)
        self.assertIsNone(superuser.closed)
        self.assertEqual(self.stored("alice"), [])
        self.assertEqual(self.keyring.revoked_by, ["psk:default"])

    def test_the_other_keys_of_the_name_are_told(self) -> None:
        for identifier, component in (("k1", "alice"), ("k2", "alice"), ("k3", "alice"), ("k4", "bob")):
            self.add(identifier, component)
        said = self.run_line("broker keys revoke k2")
        self.assertEqual(said, ["k2 is revoked; 0 sessions ended", "alice still has k1, k3"])
        self.assertEqual(self.run_line("broker keys revoke k4"), ["k4 is revoked; 0 sessions ended"])

    def add(self, identifier: str, component: str) -> None:
        key = private_key().public_key()
        self.successResultOf(self.keyring.add(StoredCredential(identifier, component, key)))

    def test_one_that_is_not_there_is_told(self) -> None:
        self.assertIn("there is no key 'k9'", self.refused("broker keys revoke k9"))

    def test_readers_neither_add_nor_revoke(self) -> None:
        self.add("k1", "alice")
        for typed in ("keys add carol --secret", "keys revoke k1", "register carol"):
            self.assertEqual(self.refused(f"broker {typed}", READER), "missing permission: admin")
        self.assertEqual(len(self.run_line("broker keys list", READER)), 1)


class RegisterTests(KeyCase):
    def test_a_pin_is_good_once_for_a_while(self) -> None:
        found: dict[str, Any]
        with audited() as trail:
            (found,) = self.run_line("broker register carol --within 10m")
        self.assertEqual((found["name"], found["good_until"]), ("carol", self.now() + timedelta(minutes=10)))
        self.assertNotIn(found["pin"], str(trail.lines))
        self.core.clock.advance(599)
        self.assertTrue(outcome(self.pins.use("carol", found["pin"])))
        self.assertFalse(outcome(self.pins.use("carol", found["pin"])))
        (found,) = self.run_line("broker register carol")
        self.core.clock.advance(3601)
        self.assertFalse(outcome(self.pins.use("carol", found["pin"])))

    def test_it_is_not_good_for_long(self) -> None:
        for wrong in ("8d", "0s", "-1h", "soon"):
            self.assertIn("expected", self.refused(f"broker register carol --within {wrong}"))


class TenantTests(KeyCase):
    def test_a_tenant_keeps_its_names_apart_from_when_it_is_declared(self) -> None:
        self.core.keys.names.add("carol.acme")
        outside = self.core.join("carol.acme")
        self.assertEqual(self.run_line("broker tenant add acme"), ["acme is a tenant"])
        self.assertIsNotNone(outside.closed, "it belongs elsewhere now")
        self.core.join("carol.acme")
        (found,) = self.run_line("broker sessions")
        self.assertEqual(found["tenant"], "acme")
        self.assertEqual(self.run_line("broker tenant list", READER), [{"tenant": "acme"}])
        self.assertEqual(self.run_line("broker tenant remove acme"), ["acme is no tenant"])
        self.assertEqual(self.run_line("broker tenant list"), [])

    def test_a_pin_is_made_and_told_once(self) -> None:
        _, line = self.run_line("broker tenant add acme --pin")
        pin = line.removeprefix("pin: ")
        (kept,) = self.tenants.pins("acme")
        self.assertTrue(kept.matches(pin))
        stored, by = self.stored_tenants["acme"]
        self.assertEqual(by, "psk:default")
        self.assertNotIn(pin.encode(), stored or b"")

    def test_one_that_is_not_there_is_told(self) -> None:
        self.assertIn("acme was not declared here", self.refused("broker tenant remove acme"))
        self.assertIn("expected a component's name", self.refused("broker tenant add a/b"))
