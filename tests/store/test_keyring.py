"""The core's own keyring: what it was given is there after a restart, and nothing counts before its commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, event, select, update
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pkid.auth.component_keyring import StoredCredential
from pkid.auth.scram import ScramVerifier
from pkid.ca.keys import KeyType
from pkid.errors import Reason, Refused, StateError, Unavailable
from pkid.store.keyring import StoredKeyring
from pkid.store.schema import changes, credentials
from pkid.store.service import SQLStore
from tests.auth import keyring_contract
from tests.auth.keyring_contract import SECRET
from tests.certificates import private_key
from tests.store.entries import NOON, sqlite_store
from tests.support import Case

LATER = NOON + timedelta(hours=1)


class KeyringCase(Case):
    """A keyring in a ledger on a file."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.clock = Clock()
        self.ledger = sqlite_store(self.path)
        self.addCleanup(lambda: self.ledger.close())
        self.keyring = self.start()

    def start(self) -> StoredKeyring:
        keyring = StoredKeyring(self.ledger, self.clock, lambda: NOON)
        keyring.load()
        keyring.startService()
        return keyring

    def restart(self) -> None:
        self.successResultOf(self.keyring.stopService())
        self.ledger.close()
        self.ledger = sqlite_store(self.path)
        self.keyring = self.start()

    def add(self, *added: StoredCredential) -> None:
        for each in added:
            self.successResultOf(Deferred.fromCoroutine(self.keyring.add(each)))

    def found(self, component: str = "alice") -> list[StoredCredential]:
        return list(self.successResultOf(Deferred.fromCoroutine(self.keyring.find(component))))

    def trail(self) -> list[tuple[datetime, str, str]]:
        query = select(changes.c.made_at, changes.c.made_by, changes.c.change).order_by(changes.c.number)
        return [(r.made_at, r.made_by, r.change) for r in self.ledger.write_now(lambda c: c.execute(query).all())]


class ContractTests(keyring_contract.KeyringContract):
    def setUp(self) -> None:
        ledger = sqlite_store(Path(self.mktemp()))
        self.addCleanup(ledger.close)
        self.keyring = StoredKeyring(ledger, Clock(), lambda: NOON)


class StoredKeyringTests(KeyringCase):
    def test_every_kind_is_there_after_a_restart_the_newest_first(self) -> None:
        added = [
            replace(SECRET, created_by="root"),
            StoredCredential("2", "alice", ScramVerifier.make("hush", b"saltsalt", 4096), expires=LATER),
            StoredCredential("3", "alice", private_key(KeyType.P256).public_key()),
        ]
        self.add(*added)
        self.restart()
        self.assertEqual(self.found(), list(reversed(added)))
        self.assertEqual((self.found()[-1].created, self.found()[-1].created_by), (NOON, "root"))

    def test_what_was_revoked_stays_so(self) -> None:
        self.add(SECRET, replace(SECRET, identifier="2"))
        self.assertTrue(self.successResultOf(Deferred.fromCoroutine(self.keyring.revoke("1", "root"))))
        self.restart()
        self.assertEqual([each.identifier for each in self.found()], ["2"])

    def test_the_trail_tells_who_did_what_and_no_secret(self) -> None:
        self.add(replace(SECRET, created_by="key:7"))
        self.successResultOf(Deferred.fromCoroutine(self.keyring.revoke("1", "root")))
        self.successResultOf(Deferred.fromCoroutine(self.keyring.revoke("1", "root")))
        self.assertEqual(
            self.trail(),
            [(NOON, "key:7", "add-credential alice 1 recoverable-secret"), (NOON, "root", "revoke-credential alice 1")],
        )

    def test_a_login_asks_no_database(self) -> None:
        self.add(SECRET)
        statements: list[str] = []
        event.listen(self.ledger._engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        self.assertEqual(self.found(), [SECRET])
        self.successResultOf(Deferred.fromCoroutine(self.keyring.note_use("1", LATER)))
        self.assertEqual((self.found()[0].last_used, statements), (LATER, []))

    def test_uses_are_written_together_a_little_later(self) -> None:
        self.add(SECRET, replace(SECRET, identifier="2"))
        commits: list[object] = []
        event.listen(self.ledger._engine, "commit", commits.append)
        for identifier, at in (("1", NOON), ("2", NOON), ("1", LATER), ("gone", LATER)):
            self.successResultOf(Deferred.fromCoroutine(self.keyring.note_use(identifier, at)))
        self.clock.advance(60)
        self.assertEqual(len(commits), 1)
        used = self.ledger.write_now(lambda c: {r.identifier: r.last_used for r in c.execute(select(credentials))})
        self.assertEqual(used, {"1": LATER, "2": NOON})

    def test_uses_are_written_when_it_stops(self) -> None:
        self.add(SECRET)
        self.successResultOf(Deferred.fromCoroutine(self.keyring.note_use("1", LATER)))
        self.restart()
        self.assertEqual(self.found()[0].last_used, LATER)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_credential_that_cannot_be_read_is_told_and_the_start_refused(self) -> None:
        self.add(SECRET)

        def damage(connection: Connection) -> None:
            connection.execute(update(credentials).values(material=b"\xff hush"))

        self.ledger.write_now(damage)
        error = self.assertRaises(StateError, self.restart)
        self.assertIn("a credential of alice, 1, that cannot be read", str(error))
        self.assertNotIn("hush", str(error))


class HeldLedger:
    """A ledger whose transactions wait until they are let go."""

    def __init__(self, ledger: SQLStore) -> None:
        self.write_now = ledger.write_now
        self.waiting: list[tuple[object, Deferred[object]]] = []
        self._ledger = ledger

    def write(self, work: object) -> Deferred[object]:
        done: Deferred[object] = Deferred()
        self.waiting.append((work, done))
        return done

    def release(self) -> None:
        work, done = self.waiting.pop(0)
        self._ledger.write(work).chainDeferred(done)  # type: ignore[arg-type]

    def refuse(self) -> None:
        self.waiting.pop(0)[1].errback(Unavailable(Reason.STORE))


class CommitTests(KeyringCase):
    def start(self) -> StoredKeyring:
        self.held = HeldLedger(self.ledger)
        keyring = StoredKeyring(self.held, self.clock, lambda: NOON)  # type: ignore[arg-type]
        keyring.startService()
        return keyring

    def test_nothing_counts_before_its_commit(self) -> None:
        added = Deferred.fromCoroutine(self.keyring.add(SECRET))
        self.assertNoResult(added)
        self.assertEqual(self.found(), [])
        self.held.release()
        self.successResultOf(added)
        self.assertEqual(self.found(), [SECRET])
        revoked = Deferred.fromCoroutine(self.keyring.revoke("1"))
        self.assertEqual(self.found(), [SECRET])
        self.held.release()
        self.assertTrue(self.successResultOf(revoked))
        self.assertEqual(self.found(), [])

    def test_what_cannot_be_committed_does_not_count(self) -> None:
        added = Deferred.fromCoroutine(self.keyring.add(SECRET))
        self.held.refuse()
        self.failureResultOf(added, Unavailable)
        self.assertEqual(self.found(), [])

    def test_nine_at_the_same_time_are_eight(self) -> None:
        adding = [Deferred.fromCoroutine(self.keyring.add(replace(SECRET, identifier=str(n)))) for n in range(9)]
        for _ in range(8):
            self.held.release()
        for each in adding[:8]:
            self.successResultOf(each)
        self.failureResultOf(adding[8], Refused)

    def test_uses_that_cannot_be_written_are_written_with_the_next_ones(self) -> None:
        added = Deferred.fromCoroutine(self.keyring.add(SECRET))
        self.held.release()
        self.successResultOf(added)
        self.successResultOf(Deferred.fromCoroutine(self.keyring.note_use("1", LATER)))
        self.clock.advance(10)
        self.held.refuse()
        stopped = self.keyring.stopService()
        self.held.release()
        self.successResultOf(stopped)
        used = self.ledger.write_now(lambda c: c.execute(select(credentials.c.last_used)).scalar_one())
        self.assertEqual(used, LATER)
