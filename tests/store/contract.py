"""What every store promises, as a case to inherit from; it stands apart so that it is not run itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from pkid.ca.ledger import Entry, RequestKey
from pkid.errors import Reason, Refused, Unavailable
from pkid.store.interfaces import SearchableLedger, Store
from tests.store.entries import NOON, count, entries, entry
from tests.support import Case

T = TypeVar("T")

MICROSECOND = timedelta(microseconds=1)
LARGEST_SERIAL = (1 << 159) - 1


class StoreContract(Case):
    """The promises. A subclass sets ``store`` before each test."""

    store: Store

    def transact(self, work: Callable[[SearchableLedger], T]) -> T:
        return self.successResultOf(self.store.transact(work))

    def record(self, *these: Entry) -> None:
        self.transact(lambda ledger: ledger.record(these))

    def recall(self, *keys: RequestKey | None, since: datetime = NOON) -> Mapping[RequestKey, Entry]:
        return self.transact(lambda ledger: ledger.recall([key for key in keys if key is not None], since))

    def find(self, serial: int) -> Entry | None:
        return self.transact(lambda ledger: ledger.find(serial))

    # Transactions

    def test_the_result_of_the_work_is_passed_on(self) -> None:
        self.assertEqual(self.transact(lambda ledger: "result"), "result")

    def test_what_one_transaction_records_the_next_one_finds(self) -> None:
        self.record(entry(1))
        self.assertEqual(self.find(1), entry(1))

    def test_a_transaction_sees_what_it_recorded_itself(self) -> None:
        def work(ledger: SearchableLedger) -> tuple[object, ...]:
            ledger.record([entry(1)])
            key = entry(1).request_key
            assert key is not None
            return ledger.find(1), ledger.count(), dict(ledger.recall([key], NOON))

        self.assertEqual(self.transact(work), (entry(1), 1, {entry(1).request_key: entry(1)}))

    def test_an_error_of_the_work_passes_unchanged_and_nothing_is_kept(self) -> None:
        error = Refused(Reason.NOT_ALLOWED, "a.example")

        def work(ledger: SearchableLedger) -> None:
            ledger.record([entry(1)])
            raise error

        failure = self.failureResultOf(self.store.transact(work), Refused)
        self.assertIs(failure.value, error)
        self.assertEqual(self.transact(count), 0)

    def test_a_defect_of_the_work_is_not_blamed_on_the_store(self) -> None:
        def work(ledger: SearchableLedger) -> None:
            raise KeyError("defect")

        self.failureResultOf(self.store.transact(work), KeyError)
        self.assertEqual(self.transact(count), 0)

    def test_transact_now_commits_and_returns_the_result(self) -> None:
        def work(ledger: SearchableLedger) -> str:
            ledger.record([entry(1)])
            return "result"

        self.assertEqual(self.store.transact_now(work), "result")
        self.assertEqual(self.find(1), entry(1))

    def test_transact_now_raises_the_error_of_the_work_and_keeps_nothing(self) -> None:
        def work(ledger: SearchableLedger) -> None:
            ledger.record([entry(1)])
            raise Refused(Reason.NOT_ALLOWED)

        self.assertRaises(Refused, self.store.transact_now, work)
        self.assertEqual(self.transact(count), 0)

    # Recording

    def test_a_serial_number_is_recorded_once_and_the_whole_group_fails(self) -> None:
        self.record(entry(1))
        again = [entry(2), entry(1, name="impostor")]
        failure = self.failureResultOf(self.store.transact(lambda ledger: ledger.record(again)), Unavailable)
        self.assertIs(failure.value.reason, Reason.STORE)
        self.assertEqual((self.find(1), self.find(2)), (entry(1), None))

    def test_a_group_of_five_hundred_is_recorded_and_recalled(self) -> None:
        group = entries(range(1, 501))
        self.record(*group)
        self.assertEqual(self.transact(count), 500)
        found = self.recall(*(each.request_key for each in group))
        self.assertEqual(found, {each.request_key: each for each in group})

    def test_an_empty_group_is_recorded(self) -> None:
        self.record()
        self.assertEqual(self.transact(count), 0)

    def test_an_entry_comes_back_equal_whatever_it_holds(self) -> None:
        for each in (
            entry(LARGEST_SERIAL),
            entry(2, csr_sha256=None, credential="core", profile="core"),
            entry(3, name="ütf-8 \N{SNOWMAN} ' \" %s"),
            entry(4, csr_sha256=bytes(range(32)), certificate=bytes(range(256)) * 8),
            entry(5, issued_at=NOON + MICROSECOND, not_after=datetime.max.replace(tzinfo=NOON.tzinfo)),
        ):
            self.record(each)
            self.assertEqual(self.find(each.serial), each)

    def test_touching_records_nothing(self) -> None:
        self.transact(lambda ledger: ledger.touch())
        self.assertEqual(self.transact(count), 0)

    def test_an_entry_is_found_by_its_fingerprint(self) -> None:
        self.record(entry(1), entry(2, renews=1))
        self.assertEqual(self.transact(lambda ledger: ledger.find_fingerprint(entry(2).sha256)), entry(2, renews=1))
        self.assertIsNone(self.transact(lambda ledger: ledger.find_fingerprint(entry(3).sha256)))

    def test_an_unknown_serial_number_is_not_found(self) -> None:
        self.record(entry(1))
        self.assertIsNone(self.find(2))

    # Pruning

    def test_the_newest_is_the_one_that_was_signed_last(self) -> None:
        self.assertIsNone(self.transact(lambda ledger: ledger.newest()))
        self.record(entry(1, issued_at=NOON + MICROSECOND), entry(2))
        self.assertEqual(self.transact(lambda ledger: ledger.newest()), NOON + MICROSECOND)

    def test_only_what_ended_before_is_pruned_and_what_ended_first_comes_first(self) -> None:
        ends = (NOON, NOON - MICROSECOND, NOON - 2 * MICROSECOND, NOON + MICROSECOND)
        self.record(*(entry(number, not_after=end) for number, end in enumerate(ends, 1)))
        self.assertEqual(self.transact(lambda ledger: ledger.prune(NOON, 1)), 1)
        self.assertEqual((self.find(2) is None, self.find(3)), (False, None))
        self.assertEqual(self.transact(lambda ledger: ledger.prune(NOON, 9)), 1)
        self.assertEqual(self.transact(lambda ledger: ledger.prune(NOON, 9)), 0)
        self.assertEqual([self.find(number) is None for number in (1, 2, 3, 4)], [False, True, True, False])

    # Recalling

    def test_only_what_was_asked_for_is_recalled(self) -> None:
        self.record(entry(1), entry(2))
        found = self.recall(entry(2).request_key, entry(3).request_key)
        self.assertEqual(found, {entry(2).request_key: entry(2)})

    def test_nothing_is_recalled_for_no_key(self) -> None:
        self.record(entry(1), entry(2, csr_sha256=None))
        self.assertEqual(self.recall(), {})

    def test_the_same_request_under_another_credential_is_not_recalled(self) -> None:
        theirs = entry(1, credential="psk:other")
        self.record(theirs)
        self.assertEqual(self.recall(entry(1).request_key), {})
        self.assertEqual(self.recall(theirs.request_key), {theirs.request_key: theirs})

    def test_each_credential_recalls_its_own_entry_of_the_same_request(self) -> None:
        mine, theirs = entry(1), entry(2, csr_sha256=entry(1).csr_sha256, credential="psk:other")
        self.record(mine, theirs)
        found = self.recall(mine.request_key, theirs.request_key)
        self.assertEqual(found, {mine.request_key: mine, theirs.request_key: theirs})

    def test_the_newest_entry_is_recalled_whatever_the_order_of_recording(self) -> None:
        hash_ = entry(1).csr_sha256
        older, newest = entry(9, csr_sha256=hash_), entry(1, csr_sha256=hash_, issued_at=NOON + MICROSECOND)
        oldest = entry(5, csr_sha256=hash_, issued_at=NOON - MICROSECOND)
        self.record(older, newest, oldest)
        found = self.recall(newest.request_key, since=NOON - timedelta(minutes=5))
        self.assertEqual(found, {newest.request_key: newest})

    def test_an_entry_signed_at_the_given_instant_is_recalled(self) -> None:
        self.record(entry(1))
        self.assertEqual(self.recall(entry(1).request_key, since=NOON), {entry(1).request_key: entry(1)})

    def test_an_entry_signed_a_microsecond_before_is_not_recalled(self) -> None:
        self.record(entry(1))
        self.assertEqual(self.recall(entry(1).request_key, since=NOON + MICROSECOND), {})

    def test_the_given_instant_may_be_in_any_time_zone(self) -> None:
        self.record(entry(1))
        since = NOON.astimezone(timezone(timedelta(hours=5)))
        self.assertEqual(len(self.recall(entry(1).request_key, since=since)), 1)
        self.assertEqual(len(self.recall(entry(1).request_key, since=since + MICROSECOND)), 0)
