"""A certificate, or the request for it, that merely names an admin gets none of its rights: real TLS, a real door."""

from __future__ import annotations

from dataclasses import replace

from pkid.agent.credential import Credential
from pkid.auth.own_credential import OwnCertificate
from pkid.broker.changes import AssignRole
from pkid.ca.ledger import Entry
from pkid.line.client.errors import Denied
from tests.line.doors import Door, DoorCase, credential, entry_of

URI = "spiffe://pkid.internal/{}"
OWN = credential("superuser", common_name="superuser", uri=[URI.format("superuser")])
"""The admin's own certificate."""
NAMED: dict[str, Credential] = {
    "common name": credential("in-cn", common_name="superuser", dns=["worker.example"]),
    "host name": credential("in-dns", common_name="worker.example", dns=["superuser"]),
    "both": credential("in-both", common_name="superuser", dns=["superuser"]),
    "foreign identity": credential("mallory", common_name="superuser", dns=["superuser"], uri=[URI.format("mallory")]),
}
"""Certificates of the core's own authority that have the admin's name, and not its identity."""


class CertificateNameTests(DoorCase):
    async def door(self, *entries: Entry) -> Door:
        """Open a door of a core in which *superuser* is an admin, and whose ledger has these certificates."""
        door = Door({}, entries)
        await door.service.change(AssignRole("superuser", "admin"), "test")
        await door.open(self)
        return door

    async def test_the_identity_makes_the_admin(self) -> None:
        door = await self.door(entry_of(OWN, "superuser"))
        client = await self.connect(door.port, "superuser", OwnCertificate(), shown=OWN)
        await client.private_topic("my_topic")

    async def test_another_name_is_proven_by_none_of_them(self) -> None:
        for where, shown in NAMED.items():
            for proven in (True, False):
                door = await self.door(replace(entry_of(shown, "superuser"), proven=proven))
                with self.assertRaises(Denied):
                    await self.connect(door.port, "superuser", OwnCertificate(), shown=shown)
                    self.fail(where)

    async def test_whoever_only_shows_it_has_no_right(self) -> None:
        for shown in NAMED.values():
            door = await self.door(replace(entry_of(shown, "superuser"), proven=False))
            for name in ("superuser", None):
                client = await self.connect(door.port, name, shown=shown)
                with self.assertRaises(Denied) as caught:
                    await client.private_topic("my_topic")
                self.assertEqual(caught.exception.code, "not-admin")
                await client.stopService()

    async def test_its_own_identity_is_all_that_a_certificate_proves(self) -> None:
        shown = NAMED["foreign identity"]
        door = await self.door(entry_of(shown, "mallory"))
        client = await self.connect(door.port, "mallory", OwnCertificate(), shown=shown)
        with self.assertRaises(Denied) as caught:
            await client.private_topic("my_topic")
        self.assertEqual(caught.exception.code, "not-admin")
