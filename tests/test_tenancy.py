"""Tenants that an admin declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.internet.defer import Deferred, execute, fail

from pkid.auth.pins import HashedPin
from pkid.auth.tenants import DeclaredTenants
from pkid.errors import Reason, Refused, StateError, Unavailable, Unusable
from pkid.store.tenants import StoredTenants
from pkid.tenancy import Tenancy, TenantStore
from tests.auth.logins import outcome
from tests.store.entries import NOON, sqlite_store
from tests.support import Case


class MemoryTenants:
    """Tenants that are forgotten."""

    def __init__(self, tenants: Mapping[str, bytes | None] | None = None) -> None:
        self.tenants = dict(tenants or {})

    def all_now(self) -> Mapping[str, bytes | None]:
        return dict(self.tenants)

    async def declare(self, name: str, pin: bytes | None, by: str) -> None:
        self.tenants[name] = pin

    async def withdraw(self, name: str, by: str) -> bool:
        was_there = name in self.tenants
        self.tenants.pop(name, None)
        return was_there


class TenancyTests(Case):
    def setUp(self) -> None:
        self.tenants = DeclaredTenants(lambda names: None)

    def open(self, store: TenantStore) -> Tenancy:
        tenancy = Tenancy(store, self.tenants, execute)
        tenancy.load()
        return tenancy

    def test_what_is_declared_counts_and_is_stored_without_its_pin(self) -> None:
        store = MemoryTenants()
        tenancy = self.open(store)
        outcome(tenancy.declare("org", "11223344", "root"))
        outcome(tenancy.declare("com", None, "root"))
        outcome(tenancy.declare(".", "55667788", "root"))
        self.assertEqual(self.tenants.names, {"org", "com"})
        self.assertTrue(self.tenants.pins("org")[0].matches("11223344"))
        self.assertTrue(self.tenants.pins(".")[0].matches("55667788"))
        self.assertNotIn(b"11223344", b"".join(filter(None, store.tenants.values())))

    def test_another_pin_takes_the_place_of_the_first(self) -> None:
        tenancy = self.open(MemoryTenants())
        outcome(tenancy.declare("org", "11223344", "root"))
        outcome(tenancy.declare("org", "55667788", "root"))
        (pin,) = self.tenants.pins("org")
        self.assertEqual((pin.matches("11223344"), pin.matches("55667788")), (False, True))

    def test_what_is_withdrawn_is_gone(self) -> None:
        tenancy = self.open(MemoryTenants({"org": None}))
        self.assertTrue(outcome(tenancy.withdraw("org", "root")))
        self.assertFalse(outcome(tenancy.withdraw("org", "root")))
        self.assertEqual(self.tenants.names, set())

    def test_names_and_pins_are_checked(self) -> None:
        tenancy = self.open(MemoryTenants())
        for name in ("", "a/b", "..", "a" * 129):
            self.assertRaises(Refused, outcome, tenancy.declare(name, None, "root"))
        self.assertRaises(Unusable, outcome, tenancy.declare("org", "short", "root"))
        self.assertEqual(self.tenants.names, set())

    def test_what_cannot_be_committed_does_not_count(self) -> None:
        class Broken(MemoryTenants):
            def declare(self, name: str, pin: bytes | None, by: str) -> Deferred[None]:  # type: ignore[override]
                return fail(Unavailable(Reason.STORE))

        tenancy = self.open(Broken())
        self.assertRaises(Unavailable, outcome, tenancy.declare("org", None, "root"))
        self.assertEqual(self.tenants.names, set())

    def test_a_pin_that_cannot_be_read_stops_the_start(self) -> None:
        said = str(self.assertRaises(StateError, self.open, MemoryTenants({"org": b"?"})))
        self.assertIn("the tenant org holds no PIN", said)

    def test_they_are_there_after_a_restart(self) -> None:
        path = Path(self.mktemp())
        ledger = sqlite_store(path)
        tenancy = self.open(StoredTenants(ledger, lambda: NOON))
        for name in ("org", "com"):
            outcome(tenancy.declare(name, "11223344", "root"))
        self.assertTrue(outcome(tenancy.withdraw("com", "root")))
        self.successResultOf(ledger.close())
        again = sqlite_store(path)
        self.addCleanup(again.close)
        self.tenants = DeclaredTenants(lambda names: None)
        self.open(StoredTenants(again, lambda: NOON))
        self.assertEqual(self.tenants.names, {"org"})
        self.assertIsInstance(self.tenants.pins("org")[0], HashedPin)
