"""What is turned off is said in plain words, at the start and every hour, and never when nothing is."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from pkid.exposure import Exposure, Reminder
from pkid.settings.resolution import resolve
from tests.support import Case


class ExposureTests(Case):
    def said(self, exposure: Exposure, address: str = "127.0.0.1 8900") -> list[str]:
        return list(exposure.sentences(address))

    def test_nothing_is_off(self) -> None:
        everything = Exposure(authentication=True, encryption=True)
        self.assertEqual((everything.notices, self.said(everything)), ((), []))

    def test_each_thing_that_is_off(self) -> None:
        authentication, encryption = Exposure(False, True), Exposure(True, False)
        self.assertEqual(authentication.notices, ("no authentication",))
        self.assertEqual(encryption.notices, ("no encryption",))
        self.assertEqual(Exposure(False, False).notices, ("no authentication", "no encryption"))
        self.assertEqual(len(self.said(Exposure(False, False))), 2)
        self.assertIn(
            "NO AUTHENTICATION (--psk ''): whoever knocks at 127.0.0.1 8900 gets", self.said(authentication)[0]
        )
        self.assertIn("NO ENCRYPTION (--no-tls): whoever listens at 127.0.0.1 8900 can", self.said(encryption)[0])

    def test_plain_text_on_a_unix_socket_exposes_nothing(self) -> None:
        for endpoint, notices in (("unix:/run/pkid/https", ()), ("tcp:8900", ("no encryption",))):
            settings = resolve(
                {"no-tls": True, "https": endpoint, "line": "off"}, {"HOME": "/"}, Path.read_bytes, Path("/")
            )
            self.assertEqual(Exposure.of(settings).notices, notices, endpoint)

    def test_it_is_said_whether_other_machines_reach_it(self) -> None:
        for address, others in (
            ("127.0.0.1 8900", False), ("::1 8900", False), ("/run/pkid/https", False),
            ("0.0.0.0 8900", True), (":: 8900", True), ("192.0.2.1 8900", True), ("2001:db8::1 443", True),
        ):  # fmt: skip
            (sentence,) = self.said(Exposure(False, True), address)
            self.assertEqual("which other machines can reach" in sentence, others, address)


class ReminderTests(Case):
    def test_it_is_said_at_the_start_and_every_hour_until_the_stop(self) -> None:
        observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)  # type: ignore[arg-type]
        clock = Clock()
        reminder = Reminder(lambda: Exposure(False, False).sentences("::1 1"), clock)
        reminder.startService()
        said = [formatEvent(event)[:13] for event in observer if event["log_level"] is LogLevel.critical]
        self.assertEqual(said, ["NO AUTHENTICA", "NO ENCRYPTION"])
        for seconds, count in ((3599, 2), (1, 4), (3600, 6)):
            clock.advance(seconds)
            self.assertEqual(len(list(observer)), count)
        reminder.stopService()
        clock.advance(7200)
        self.assertEqual(len(list(observer)), 6)
        self.assertEqual(clock.getDelayedCalls(), [])
