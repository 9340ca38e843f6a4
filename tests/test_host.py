"""The core's own certificate fits the host, is renewed in time, and a failure is never the last attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from unittest.mock import patch

from twisted.internet.defer import execute
from twisted.internet.task import Clock

from pkid.ca.authority import Authority
from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import Names
from pkid.errors import Reason, StateError, Unavailable
from pkid.host import HostCertificate
from pkid.state import KeyPair, StateDirectory
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, authority, private_key, profile, root
from tests.support import Case

HERE = Names(dns=("localhost", "here.example"))
DAY = timedelta(days=1)


class HostCase(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.shift = timedelta(0)  # of the wall clock against the other
        self.names = HERE
        self.store = MemoryStore()
        self.used: list[KeyPair] = []
        self.serials = count(2**130)
        self.jitter = 0.0
        self.state = StateDirectory(Path(self.mktemp()).resolve())
        self.addCleanup(self.state.close)
        self.authority = Authority(root(), profile(), self.now, lambda: next(self.serials))
        self.host = self.certificate()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds()) + self.shift

    def certificate(self, authority: Authority | None = None) -> HostCertificate:
        return HostCertificate(
            authority or self.authority, self.store, self.state, lambda: self.names, self.used.append,
            offload=execute, clock=self.clock, now=self.now, random=lambda: self.jitter,
        )  # fmt: skip

    def prepared(self) -> KeyPair:
        """Prepare once more, as the next start does."""
        return self.certificate().prepare()

    def start(self, days: int = 365) -> KeyPair:
        """Start with a certificate of that many days."""
        self.authority.profile = profile(lifetime=timedelta(days=days))
        pair = self.host.prepare()
        self.host.startService()
        self.addCleanup(self.host.stopService)
        return pair

    def stored(self) -> KeyPair:
        pair = self.state.load_pair("host")
        assert pair is not None
        return pair

    def sleep(self, time: timedelta) -> None:
        """Let time pass, a minute at a time."""
        for _ in range(int(time / timedelta(minutes=1))):
            self.clock.advance(60)


class PrepareTests(HostCase):
    def test_a_first_one_is_made_recorded_and_kept(self) -> None:
        pair = self.host.prepare()
        self.assertEqual(self.stored().certificate, pair.certificate)
        (entry,) = self.store.entries
        self.assertEqual((entry.serial, entry.profile), (pair.certificate.serial_number, "core"))

    def test_one_that_fits_is_kept(self) -> None:
        first = self.host.prepare()
        self.names = Names(dns=HERE.dns[::-1])
        self.shift = 200 * DAY
        self.assertEqual(self.prepared().certificate, first.certificate)
        self.assertEqual(self.store.commits, 1)

    def test_one_for_other_names_is_replaced(self) -> None:
        first = self.host.prepare()
        for names in (Names(dns=("localhost",)), Names(dns=(*HERE.dns, "x.example"))):
            self.names = names
            self.assertNotEqual(self.prepared().certificate, first.certificate)
            self.assertEqual(self.prepared().certificate, self.stored().certificate)

    def test_one_that_is_due_or_expired_or_not_valid_yet_is_replaced(self) -> None:
        first = self.host.prepare()
        for shift in (364 * DAY, 400 * DAY, -2 * DAY):
            self.state.save_pair("host", first)
            self.shift = shift
            self.assertNotEqual(self.prepared().certificate, first.certificate, shift)

    def test_one_of_another_authority_is_replaced(self) -> None:
        other = make_root(private_key(KeyType.P256, "another"), NOON - DAY, 2**130)
        first = self.certificate(Authority(other, profile(), self.now, lambda: next(self.serials))).prepare()
        second = self.prepared()
        self.assertNotEqual(second.certificate.issuer, first.certificate.issuer)

    def test_one_that_is_no_host_s_is_replaced(self) -> None:
        self.state.save_pair("host", KeyPair(root().key, root().certificate))
        self.prepared()
        self.assertNotEqual(self.stored().certificate, root().certificate)

    def test_a_damaged_one_is_an_error_and_stays(self) -> None:
        pair = self.host.prepare()
        for content in (b"nonsense", (self.state.path / "ca.pem").name.encode()):
            (self.state.path / "host.pem").write_bytes(content)
            self.assertRaises(StateError, self.prepared)
            self.assertEqual((self.state.path / "host.pem").read_bytes(), content)
        self.state.save_pair("host", KeyPair(private_key(KeyType.P256, "somebody else"), pair.certificate))
        self.assertRaises(StateError, self.prepared)

    def test_without_a_ledger_there_is_none(self) -> None:
        self.store.fail_next()
        self.assertRaises(Unavailable, self.host.prepare)
        self.assertIsNone(self.state.load_pair("host"))


class ChainTests(HostCase):
    def test_what_stands_above_it_comes_with_it_at_each_start_and_at_renewal(self) -> None:
        issuer = authority("CN=below", authority("CN=above"))
        self.authority.succeed(issuer)
        self.assertEqual(self.host.prepare().issuers, issuer.chain)
        self.assertEqual(self.stored().issuers, ())
        self.assertEqual(self.prepared().issuers, issuer.chain)
        self.names = Names(dns=("x.example",))
        self.successResultOf(self.host.check())
        self.assertEqual([pair.issuers for pair in self.used], [issuer.chain])

    def test_the_next_authority_gives_a_new_one(self) -> None:
        self.start()
        issuer = authority("CN=next")
        self.authority.succeed(issuer)
        self.successResultOf(self.host.check())
        self.assertEqual([pair.certificate.issuer for pair in self.used], [issuer.certificate.subject])

    def test_one_that_the_authority_before_signed_meanwhile_comes_with_its_own_chain(self) -> None:
        self.start()
        self.names = Names(dns=("x.example",))
        self.store.hold()
        checked = self.host.check()
        self.authority.succeed(authority("CN=next", authority("CN=above")))
        self.store.release()
        self.successResultOf(checked)
        self.assertEqual([pair.issuers for pair in self.used], [root().chain])


class RenewalTests(HostCase):
    def test_it_is_renewed_a_day_before_its_end_and_not_earlier(self) -> None:
        first = self.start()
        self.sleep(363 * DAY + timedelta(hours=23))
        self.assertEqual(self.used, [])
        self.sleep(timedelta(hours=1))
        (second,) = self.used
        self.assertEqual(self.stored().certificate, second.certificate)
        self.assertNotEqual(second.key.public_key(), first.key.public_key())
        self.assertEqual(len(self.store.entries), 2)

    def test_jitter_makes_it_only_earlier(self) -> None:
        self.jitter = 0.5
        self.start()
        self.assertEqual(self.host.due, NOON + 363.5 * DAY)

    def test_it_goes_on(self) -> None:
        self.start(days=3)
        self.sleep(9 * DAY)
        self.assertEqual(len(self.used), 4)

    def test_a_failure_is_tried_again_with_growing_delays(self) -> None:
        self.start()
        self.shift = 364 * DAY
        attempts: list[float] = []

        def refuse(*_: object) -> None:
            attempts.append(self.clock.seconds())
            raise Unavailable(Reason.STORE)

        with patch.object(MemoryStore, "transact", refuse):
            for _ in range(5 * 3600):
                self.clock.advance(1)
        self.assertEqual(len(self.flushLoggedErrors(Unavailable)), len(attempts))
        delays = [later - earlier for earlier, later in pairwise(attempts)]
        self.assertEqual(delays[:8], [5, 10, 20, 40, 80, 160, 320, 640])
        self.assertEqual(set(delays[8:]), {900})
        self.sleep(timedelta(minutes=15))
        self.assertEqual(len(self.used), 1)

    def test_every_kind_of_failure_is_tried_again(self) -> None:
        self.start()
        self.shift = 364 * DAY
        for target, name in ((self.store, "transact"), (self.host, "_use"), (self.state, "save_pair")):
            with patch.object(target, name, side_effect=ZeroDivisionError):
                self.clock.advance(3600)
            self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1, name)
            self.shift += 364 * DAY if name == "save_pair" else timedelta(0)
        self.clock.advance(3600)
        self.assertEqual(self.stored().certificate, self.used[-1].certificate)

    def test_a_file_that_was_damaged_meanwhile_does_not_stop_it(self) -> None:
        self.start()
        (self.state.path / "host.pem").write_bytes(b"nonsense")
        self.shift = 364 * DAY
        self.clock.advance(3600)
        self.assertEqual(self.stored().certificate, self.used[0].certificate)

    def test_a_wall_clock_that_jumps_ahead_is_noticed_within_an_hour(self) -> None:
        self.start()
        self.shift = 400 * DAY
        self.clock.advance(3600)
        self.assertEqual(len(self.used), 1)

    def test_a_wall_clock_that_is_set_back_before_the_certificate_s_start(self) -> None:
        self.start()
        self.shift = -2 * DAY
        self.clock.advance(3600)
        self.assertLess(self.used[0].certificate.not_valid_before_utc, self.now())

    def test_a_wall_clock_that_is_set_back_a_little_changes_nothing(self) -> None:
        self.start()
        self.sleep(DAY)
        self.shift = timedelta(hours=-12)
        self.sleep(DAY)
        self.assertEqual(self.used, [])

    def test_near_the_authority_s_end_it_does_not_spin(self) -> None:
        end = root().certificate.not_valid_after_utc
        self.shift = end - NOON - timedelta(minutes=5)
        self.jitter = 0.9
        self.start()
        self.sleep(timedelta(minutes=10))
        self.flushLoggedErrors(Unavailable)
        self.assertLess(len(self.used), 12)
        self.assertNotEqual(self.clock.getDelayedCalls(), [])


class CheckTests(HostCase):
    def test_nothing_has_changed(self) -> None:
        self.start()
        self.successResultOf(self.host.check())
        self.assertEqual(self.used, [])

    def test_names_have_changed(self) -> None:
        self.start()
        self.names = Names(dns=("localhost",))
        self.successResultOf(self.host.check())
        self.assertEqual(len(self.used), 1)
        self.successResultOf(self.host.check())
        self.assertEqual(len(self.used), 1)

    def test_those_who_come_meanwhile_share_one(self) -> None:
        self.start()
        self.names = Names(dns=("localhost",))
        self.store.hold()
        first, second = self.host.check(), self.host.check()
        self.assertNoResult(first)
        self.store.release()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(len(self.used), 1)

    def test_who_asks_hears_of_no_failure_and_it_is_tried_again(self) -> None:
        self.start()
        self.names = Names(dns=("localhost",))
        self.store.fail_next()
        self.assertIsNone(self.successResultOf(self.host.check()))
        self.assertEqual(len(self.flushLoggedErrors(Unavailable)), 1)
        self.clock.advance(5)
        self.assertEqual(len(self.used), 1)


class StopTests(HostCase):
    def test_it_stops(self) -> None:
        self.start()
        self.host.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_renewal_under_way_is_waited_for_and_is_the_last(self) -> None:
        self.start()
        self.store.hold()
        self.shift = 364 * DAY
        self.clock.advance(3600)
        stopped = self.host.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        self.store.release()
        self.successResultOf(stopped)
        self.assertEqual((len(self.used), self.clock.getDelayedCalls()), (1, []))
