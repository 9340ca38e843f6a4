"""New pre-shared keys come into service together, and bad ones leave the old ones where they are."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, execute, fail
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher

from pkid import rotation
from pkid.auth.derivation import Offload
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.tokens import read_token, verify
from pkid.errors import StateError
from pkid.rotation import Rotation
from pkid.settings import SettingsError
from tests.auth.case import OLDER
from tests.certificates import NOON, PSK, signing_key
from tests.support import Case


class RotationTests(Case):
    def setUp(self) -> None:
        self.patch(rotation, "derive_key", signing_key)
        self.now = NOON.timestamp()
        self.found: Sequence[PreSharedKey] | Exception = (PSK,)
        self.keyring = Keyring((), lambda: self.now)
        self.endorsements = Endorsements(self.keyring, lambda: self.now)
        self.observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)  # type: ignore[arg-type]
        self.rotation = self.make(execute)
        self.rotation.begin((PSK,))

    def make(self, offload: Offload) -> Rotation:
        return Rotation(self.keyring, self.endorsements, self.read, offload)

    def read(self) -> Sequence[PreSharedKey]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def reload(self, found: Sequence[PreSharedKey] | Exception) -> None:
        self.found = found
        self.successResultOf(self.rotation.reload())

    def in_service(self) -> list[str]:
        """Return the names of the current keys, each of which vouches with its own."""
        current = self.keyring.current()
        tokens = [read_token(token.encode()) for token in self.endorsements.tokens("AA")]
        for psk, token in zip(current, tokens, strict=True):
            verify(token, signing_key(psk.secret, token.salt))
        return [psk.name for psk in current]

    def lines(self, level: str) -> list[str]:
        events = [event for event in self.observer if event["log_level"].name == level]
        return [formatEvent(event).partition("; the pre-shared keys in service")[0] for event in events]

    def test_the_first_keys(self) -> None:
        self.assertEqual(self.in_service(), ["default"])

    def test_a_reload_exchanges_them(self) -> None:
        self.reload((PSK, OLDER))
        self.assertEqual(self.in_service(), ["default", "older"])
        self.reload((OLDER,))
        self.assertEqual(self.in_service(), ["older"])

    def test_bad_ones_leave_the_old_ones_in_service_and_say_so_in_one_line(self) -> None:
        for error in (SettingsError("psks.a has no key; write one"), StateError("/s/psk", "is gone", "bring it back")):
            self.reload(error)
            self.assertEqual(self.in_service(), ["default"])
        self.assertEqual(self.lines("error"), ["psks.a has no key; write one", "/s/psk is gone; bring it back"])

    def test_a_defect_is_logged_and_ends_nothing(self) -> None:
        self.reload(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.in_service(), ["default"])
        self.rotation = self.make(lambda work: fail(ZeroDivisionError()))
        self.reload((OLDER,))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.in_service(), ["default"])

    def test_what_is_read_later_counts_whichever_is_faster(self) -> None:
        started: list[tuple[object, Deferred[object]]] = []

        def offload(work: object) -> Deferred[object]:
            started.append((work, Deferred()))
            return started[-1][1]

        self.rotation = self.make(offload)  # type: ignore[arg-type]
        done = [self.rotation.reload(), self.rotation.reload()]
        self.assertEqual(len(started), 1)
        for found in ((PSK,), (OLDER,)):
            self.found = found
            work, result = started[-1]
            assert callable(work)
            result.callback(work())
        for each in done:
            self.successResultOf(each)
        self.assertEqual(self.in_service(), ["older"])

    def test_when_all_have_ended_it_is_said(self) -> None:
        ended = PreSharedKey("ended", "a pre-shared key that ended", Terms(expires=NOON))
        self.reload((ended,))
        self.assertEqual(
            self.lines("error"), ["every pre-shared key has ended: nobody can prove anything; give a new one"]
        )

    def test_no_line_repeats_a_key(self) -> None:
        self.reload((PSK, OLDER))
        said = " ".join(str(event) for event in self.observer)
        self.assertIn("older (role admin) has no end", said)
        self.assertNotIn(PSK.secret, said)
        self.assertNotIn(OLDER.secret, said)
