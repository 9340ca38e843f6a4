"""PINs for one name are kept without the PIN, and the trail tells who handed them out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from pkid.auth.one_time_pins import IssuedPin
from pkid.store.pins import StoredPins
from pkid.store.schema import changes
from tests.store.entries import NOON, sqlite_store
from tests.support import Case

HOUR = timedelta(hours=1)
PIN = IssuedPin(b"d" * 32, NOON + HOUR)


class StoredPinsTests(Case):
    def setUp(self) -> None:
        self.path, self.now = Path(self.mktemp()), NOON
        self.restart()

    def restart(self) -> None:
        self.store = sqlite_store(self.path)
        self.addCleanup(self.store.close)
        self.pins = StoredPins(self.store, lambda: self.now)

    def put(self, component: str, pin: IssuedPin = PIN) -> None:
        self.successResultOf(self.pins.put(component, pin, "psk:default"))

    def test_they_are_there_after_a_restart(self) -> None:
        other = replace(PIN, digest=b"e" * 32)
        for component, pin in (("alice", PIN), ("bob", PIN), ("alice", other)):
            self.put(component, pin)
        self.successResultOf(self.store.close())
        self.restart()
        self.assertEqual(self.pins.load(), {"alice": other, "bob": PIN})

    def test_one_that_was_used_is_gone_and_one_that_took_its_place_stays(self) -> None:
        self.put("alice")
        self.put("bob")
        self.successResultOf(self.pins.remove("alice", PIN))
        self.successResultOf(self.pins.remove("bob", replace(PIN, digest=b"e" * 32)))
        self.assertEqual(self.pins.load(), {"bob": PIN})

    def test_those_that_have_ended_leave_with_the_next_one(self) -> None:
        self.put("alice")
        self.now += HOUR
        self.put("bob", replace(PIN, ends_at=self.now + HOUR))
        self.assertEqual(list(self.pins.load()), ["bob"])

    def test_the_trail_tells_who_handed_out_what(self) -> None:
        self.put("alice")
        (row,) = self.store.write_now(lambda connection: connection.execute(select(changes)).all())
        self.assertEqual(row[1:], (NOON, "psk:default", "issue-pin alice"))
