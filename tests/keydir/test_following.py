"""Following a directory of keys."""

from __future__ import annotations

from twisted.application.service import IService
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.logger import capturedLogs as captured_logs
from zope.interface.verify import verifyObject

from pkid.errors import Refused, StateError
from pkid.keydir.following import INTERVAL, FollowedDirectory, News
from pkid.keydir.lists import Lists
from tests.auth.logins import outcome
from tests.certificates import NOON
from tests.keydir.test_directory import KEY, DirectoryCase


class FollowingTests(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.news: list[News] = []
        self.put("keys/alice.pem", KEY)
        self.directory = FollowedDirectory(self.files, execute, self.clock)
        self.directory.prepare()
        self.directory.tell(self.news.append)
        self.directory.startService()
        self.addCleanup(self.directory.stopService)

    def names(self) -> list[str]:
        return [credential.component for credential in outcome(self.directory.keyring.list())]

    def test_is_a_service(self) -> None:
        verifyObject(IService, self.directory)

    def test_what_changes_holds_within_seconds(self) -> None:
        self.assertEqual(self.names(), ["alice"])
        self.put("keys/bob", b"hush hush")
        self.clock.advance(INTERVAL)
        self.assertEqual(self.names(), ["alice", "bob"])
        (self.path / "keys/alice.pem").unlink()
        self.put("keys/bob", b"another one")
        self.put("admins.json", b'["bob"]')
        self.clock.advance(INTERVAL)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.names(), ["bob"])
        now = Lists(frozenset({"bob"}))
        nobody: frozenset[str] = frozenset()
        self.assertEqual(
            self.news,
            [
                News(frozenset({"bob"}), nobody, Lists(), Lists()),
                News(nobody, frozenset({"keydir/alice.pem", "keydir/bob"}), Lists(), now),
            ],
        )

    def test_a_problem_is_said_once_as_long_as_it_lasts(self) -> None:
        said = []
        for content in (b"garbage", b"garbage", KEY, b"garbage"):
            self.put("keys/alice.pem", content)
            with captured_logs() as logs:
                self.clock.advance(INTERVAL)
                self.clock.advance(INTERVAL)
            said.append([event["problem"] for event in logs if event["log_level"] is LogLevel.error])
        self.assertEqual([len(each) for each in said], [1, 0, 0, 1])
        self.assertIn(f"{self.path}/keys/alice.pem holds no key that can be used", said[0][0])

    def test_a_name_whose_key_is_damaged_stays_reserved(self) -> None:
        self.put("keys/alice.pem", b"garbage")
        self.clock.advance(INTERVAL)
        (credential,) = outcome(self.directory.keyring.find("alice"))
        self.assertFalse(credential.is_active(NOON.timestamp()))

    def test_uses_are_noted_while_the_key_is_there(self) -> None:
        outcome(self.directory.keyring.note_use("keydir/alice.pem", NOON))
        self.put("keys/bob", b"hush hush")
        self.clock.advance(INTERVAL)
        self.assertEqual(outcome(self.directory.keyring.find("alice"))[0].last_used, NOON)

    def test_nothing_is_changed_but_by_the_files(self) -> None:
        (credential,) = outcome(self.directory.keyring.find("alice"))
        self.assertRaises(Refused, outcome, self.directory.keyring.add(credential))
        self.assertFalse(outcome(self.directory.keyring.revoke(credential.identifier)))
        self.assertEqual(self.names(), ["alice"])

    def test_what_goes_wrong_is_logged_and_tried_again(self) -> None:
        self.directory.tell(lambda news: 1 / 0)
        self.put("keys/bob", b"hush hush")
        self.clock.advance(INTERVAL)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        (self.path / "keys/bob").unlink()
        self.directory.tell(self.news.append)
        self.clock.advance(INTERVAL)
        self.assertEqual(self.news[-1].lost, {"keydir/bob"})

    def test_one_that_cannot_be_used_stops_the_start(self) -> None:
        self.put("topic_auth.json", b"{")
        self.assertRaises(StateError, FollowedDirectory(self.files, execute, self.clock).prepare)


class StopTests(DirectoryCase):
    def test_a_look_under_way_is_waited_for(self) -> None:
        clock, looks = Clock(), list[Deferred[None]]()

        def hold(work: object) -> Deferred[object]:
            looks.append(Deferred())
            return looks[-1].addCallback(lambda _: self.files.read())

        directory = FollowedDirectory(self.files, hold, clock)  # type: ignore[arg-type]
        directory.prepare()
        directory.startService()
        clock.advance(INTERVAL)
        stopped = directory.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        looks[0].callback(None)
        self.successResultOf(stopped)
        self.assertEqual(clock.getDelayedCalls(), [])
