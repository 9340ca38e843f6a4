"""PINs of tenants, and those for one name."""

from __future__ import annotations

import os
from datetime import timedelta

from twisted.internet.defer import Deferred

from pkid.auth.one_time_pins import OneTimePins
from pkid.auth.pins import HashedPin, PlainPin, check_pin
from pkid.auth.tenants import DeclaredTenants
from pkid.errors import Unavailable, Unusable
from tests.auth.logins import outcome
from tests.auth.pin_store import MemoryPins
from tests.certificates import NOON
from tests.support import Case

HOUR = timedelta(hours=1)

SALT = b"s" * 16


class PinTests(Case):
    def test_each_kind_knows_its_pin_and_no_other(self) -> None:
        for pin in (PlainPin("11223344"), HashedPin.make("11223344", SALT)):
            self.assertTrue(pin.matches("11223344"))
            for other in ("", "1122334", "112233445", "11223345", "11223344\0", "\uff11\uff11223344", "\udc80"):
                self.assertFalse(pin.matches(other), other)

    def test_one_that_somebody_wrote_with_half_a_character_is_none_that_matches(self) -> None:
        self.assertFalse(PlainPin("\ud80011223344").matches("11223344"))

    def test_a_hashed_one_can_be_stored(self) -> None:
        pin = HashedPin.make("11223344", SALT)
        self.assertEqual(HashedPin.decode(pin.encode()), pin)
        for wrong in (b"", pin.encode()[:-1], pin.encode() + b"x", b"\x02" + pin.encode()[1:]):
            self.assertRaises(Unusable, HashedPin.decode, wrong)

    def test_two_of_the_same_do_not_look_the_same(self) -> None:
        self.assertNotEqual(HashedPin.make("11223344", SALT).digest, HashedPin.make("11223344", b"t" * 16).digest)

    def test_what_is_too_long_is_not_the_one_that_it_begins_with(self) -> None:
        pin = HashedPin.make("1" * 128, SALT)
        self.assertTrue(pin.matches("1" * 128))
        self.assertFalse(pin.matches("1" * 129))

    def test_a_new_one_has_a_sensible_length(self) -> None:
        for good in ("11223344", "x" * 128):
            check_pin(good)
        for bad in ("", "1122334", "x" * 129, "1122\n3344"):
            refused = self.assertRaises(Unusable, check_pin, bad)
            self.assertNotIn(bad or "?", str(refused))

    def test_none_is_shown(self) -> None:
        self.assertNotIn("11223344", repr(PlainPin("11223344")))
        self.assertNotIn("digest", repr(HashedPin.make("11223344", SALT)))


class OneTimePinTests(Case):
    def setUp(self) -> None:
        self.now = NOON
        self.store = MemoryPins()
        self.restart()

    def restart(self) -> None:
        self.pins = OneTimePins(self.store, lambda: self.now, os.urandom)

    def issue(self, component: str = "alice", lifetime: timedelta = HOUR) -> str:
        return outcome(self.pins.issue(component, lifetime, "psk:default"))

    def use(self, component: str, text: str) -> bool:
        return outcome(self.pins.use(component, text))

    def test_it_is_good_once_for_one_name(self) -> None:
        text = self.issue()
        self.assertRegex(text, "^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$")
        self.assertFalse(self.use("bob", text))
        self.assertFalse(self.use("alice", text[:-1]))
        self.assertTrue(self.use("alice", text.replace("-", "").lower()))
        self.assertFalse(self.use("alice", text))

    def test_it_is_good_after_a_restart_and_once_whatever_restarts_lie_between(self) -> None:
        text = self.issue()
        self.restart()
        self.assertTrue(self.use("alice", text))
        self.restart()
        self.assertFalse(self.use("alice", text))

    def test_it_ends_and_no_restart_makes_it_last_longer(self) -> None:
        text = self.issue()
        self.now += HOUR
        self.restart()
        self.assertFalse(self.use("alice", text))

    def test_a_new_one_ends_the_one_before(self) -> None:
        first, second = self.issue(), self.issue()
        self.restart()
        self.assertFalse(self.use("alice", first))
        self.assertTrue(self.use("alice", second))

    def test_it_is_used_once_however_many_come_together(self) -> None:
        text = self.issue()
        waiting: Deferred[None] = Deferred()
        self.store.remove = lambda component, pin: waiting  # type: ignore[method-assign]
        first, second = (Deferred.fromCoroutine(self.pins.use("alice", text)) for _ in range(2))
        self.assertNoResult(first)
        self.assertFalse(self.successResultOf(second))
        waiting.callback(None)
        self.assertTrue(self.successResultOf(first))

    def test_one_whose_use_cannot_be_kept_is_good_still(self) -> None:
        text = self.issue()
        self.store.works = False
        self.assertRaises(Unavailable, self.use, "alice", text)
        self.store.works = True
        self.assertTrue(self.use("alice", text))

    def test_one_that_cannot_be_kept_is_not_handed_out_and_the_one_before_is_good(self) -> None:
        text = self.issue()
        self.store.works = False
        self.assertRaises(Unavailable, self.issue)
        self.store.works = True
        self.assertTrue(self.use("alice", text))

    def test_without_one_nothing_fits(self) -> None:
        for text in ("", "-", "AAAA-AAAA-AAAA-AAAA"):
            self.assertFalse(self.use("alice", text))

    def test_those_that_ended_are_forgotten(self) -> None:
        for number in range(10):
            self.issue(f"name-{number}", timedelta(seconds=1))
            self.now += timedelta(seconds=1)
        self.assertEqual(len(self.pins._issued), 1)

    def test_what_is_kept_is_not_the_pin(self) -> None:
        text = self.issue()
        self.assertNotIn(text.replace("-", ""), repr((self.pins._issued, self.store.trail)))
        self.assertNotIn(text.replace("-", "").encode(), self.store.kept["alice"].digest)


class DeclaredTenantTests(Case):
    def setUp(self) -> None:
        self.told: list[frozenset[str]] = []
        self.tenants = DeclaredTenants(self.told.append)

    def test_each_source_declares_some(self) -> None:
        self.tenants.exchange("store", {"org": None})
        self.tenants.exchange("files", {".": PlainPin("11223344"), "com": PlainPin("55667788"), "org": None})
        self.assertEqual(self.tenants.names, {"org", "com"})
        self.assertEqual(self.tenants.pins("com"), [PlainPin("55667788")])
        self.assertEqual(self.tenants.pins("."), [PlainPin("11223344")])
        self.assertEqual(self.tenants.pins("org") + self.tenants.pins("net"), [])
        self.tenants.exchange("store", {})
        self.assertEqual(self.tenants.names, {"org", "com"})
        self.tenants.exchange("files", {"com": None})
        self.assertEqual(self.tenants.names, {"com"})

    def test_a_tenant_may_have_several_pins(self) -> None:
        self.tenants.exchange("store", {"org": PlainPin("a" * 8)})
        self.tenants.exchange("files", {"org": PlainPin("b" * 8)})
        self.assertEqual(len(self.tenants.pins("org")), 2)

    def test_who_cares_is_told_of_changes_alone(self) -> None:
        self.tenants.exchange("store", {"org": None})
        self.tenants.exchange("store", {"org": PlainPin("a" * 8), ".": None})
        self.tenants.exchange("store", {})
        self.assertEqual(self.told, [{"org"}, set()])
