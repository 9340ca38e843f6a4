"""What the exporter asks, and what it understands."""

from __future__ import annotations

from datetime import UTC, datetime

from pkid.answers import BadAnswer
from pkid.exporter.inventory import Credential, question, read_inventory
from tests.exporter.answers import INVENTORY, answer, inventory
from tests.support import Case


class QuestionTests(Case):
    def test_everything_is_asked_for_at_once(self) -> None:
        request = question()
        self.assertEqual((request.method, request.path), ("POST", "/cli/execute"))
        lines = request.body.decode().split("; ")
        self.assertEqual(len(lines), len(INVENTORY) + 1)
        self.assertEqual(lines[2], "search is(certificate) and expired = false and not_after < 24h | count profile")


class AnswerTests(Case):
    def test_numbers_by_profile(self) -> None:
        read = read_inventory(inventory())
        self.assertEqual((read.kept, read.valid), ({"component": 7, "core": 2}, {"component": 5, "core": 1}))
        self.assertEqual(read.ending, {"24h": {}, "7d": {"component": 1}, "30d": {"component": 3, "core": 1}})
        self.assertEqual(read.renewals, {"component": 4})

    def test_credentials(self) -> None:
        self.assertEqual(
            read_inventory(inventory()).credentials,
            (
                Credential("psk:default", "admin", None),
                Credential("psk:autumn", "issue", datetime(2027, 1, 1, tzinfo=UTC)),
            ),
        )

    def test_anything_else_is_a_bad_answer(self) -> None:
        good = inventory()
        for bad in (
            answer(b"ok"),
            answer(good.body),
            answer(good.body[:-10], "multipart/mixed;boundary=cli-part"),
            inventory(INVENTORY[:-1]),
            inventory([*INVENTORY, INVENTORY[0]]),
            inventory([("component: many", "total matched: 9", "total unmatched: 0"), *INVENTORY[1:]]),
            inventory([("component: 1",), *INVENTORY[1:]]),
            inventory([("component: 1", "total: 1", "rest: 0"), *INVENTORY[1:]]),
            inventory([(), *INVENTORY[1:]]),
            inventory(credentials=["{}"]),
            inventory(credentials=["7"]),
            inventory(credentials=["no JSON"]),
            inventory(credentials=['{"name": "a", "role": "b", "expires": "soon"}']),
            inventory(credentials=['{"name": "a", "role": "b", "expires": 7}']),
        ):
            self.assertRaises(BadAnswer, read_inventory, bad)
