"""Declared tenants are there after a restart, and the trail tells who declared them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from pkid.store.schema import changes
from pkid.store.tenants import SQLTenants
from tests.store.entries import NOON, sqlite_store
from tests.support import Case


class TenantTests(Case):
    def test_tenants_are_there_after_a_restart_with_what_their_pins_are_checked_against(self) -> None:
        path = Path(self.mktemp())
        store = sqlite_store(path)
        for name, pin in (("shop", b"hash"), ("open", None), ("shop", b"another"), ("gone", None)):
            store.write_now(lambda c, name=name, pin=pin: SQLTenants(c).declare(name, pin, "root", NOON))  # type: ignore[misc]
        self.assertTrue(store.write_now(lambda c: SQLTenants(c).withdraw("gone", "root", NOON)))
        self.assertFalse(store.write_now(lambda c: SQLTenants(c).withdraw("gone", "root", NOON)))
        self.successResultOf(store.close())
        again = sqlite_store(path)
        self.addCleanup(again.close)
        found, trail = again.write_now(
            lambda c: (SQLTenants(c).all(), list(c.execute(select(changes.c.change)).scalars()))
        )
        self.assertEqual(found, {"open": None, "shop": b"another"})
        declared = [f"declare-tenant {name}" for name in ("shop", "open", "shop", "gone")]
        self.assertEqual(trail, [*declared, "withdraw-tenant gone"])
