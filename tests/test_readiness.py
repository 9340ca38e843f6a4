"""What the service manager hears, from a fake sender and over a real datagram socket."""

from __future__ import annotations

import os
import socket
import tempfile
from datetime import timedelta
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from pkid.readiness import Readiness, datagram_notify, watchdog_interval
from tests.support import Case

SERVING = "READY=1\nSTATUS=Serving"
STOPPING = "STOPPING=1\nSTATUS=Finishing what is in flight"


class LogCase(Case):
    """Collects what is logged."""

    def setUp(self) -> None:
        self.events = self.enterContext(capturedLogs())

    def logged(self, format: str) -> int:
        """Count the events whose format holds *format*."""
        return sum(format in (event.get("log_format") or "") for event in self.events)


class NotificationTests(LogCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.sent: list[str] = []

    def readiness(self, watchdog: timedelta | None = None, healthy=lambda: True) -> Readiness:
        return Readiness(self.sent.append, self.clock, watchdog, healthy, monotonic=lambda: 7_654_321)

    def test_ready_is_said_at_start_and_not_before(self) -> None:
        readiness = self.readiness()
        self.assertEqual(self.sent, [])
        readiness.startService()
        self.assertEqual(self.sent, [SERVING])

    def test_stopping_is_said_at_stop(self) -> None:
        readiness = self.readiness()
        readiness.startService()
        readiness.stopService()
        self.assertEqual(self.sent[1:], [STOPPING])

    def test_a_reload_carries_the_monotonic_clock_in_microseconds_and_ends_ready(self) -> None:
        readiness = self.readiness()
        readiness.reloading()
        readiness.reloaded()
        self.assertEqual(self.sent, ["RELOADING=1\nMONOTONIC_USEC=7654\nSTATUS=Reloading", SERVING])

    def test_signs_of_life_come_at_half_the_interval_until_the_stop(self) -> None:
        readiness = self.readiness(timedelta(seconds=30))
        readiness.startService()
        self.assertEqual(self.sent, [SERVING, "WATCHDOG=1"])
        self.clock.advance(14.9)
        self.assertEqual(self.sent.count("WATCHDOG=1"), 1)
        self.clock.pump([0.2, 15, 15])
        self.assertEqual(self.sent.count("WATCHDOG=1"), 4)
        readiness.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.sent[-1], STOPPING)

    def test_without_a_watchdog_there_are_none(self) -> None:
        self.readiness().startService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_only_a_healthy_daemon_gives_signs_of_life(self) -> None:
        answers = [True, False, True]
        readiness = self.readiness(timedelta(seconds=2), lambda: answers.pop(0))
        readiness.startService()
        self.clock.advance(1)
        self.assertEqual(self.sent.count("WATCHDOG=1"), 1)
        self.assertEqual(self.logged("not healthy"), 1)
        self.clock.advance(1)
        self.assertEqual(self.sent.count("WATCHDOG=1"), 2)

    def test_a_health_check_that_raises_counts_as_unhealthy_and_is_asked_again(self) -> None:
        answers = [False]
        readiness = self.readiness(timedelta(seconds=2), lambda: bool(1 / len(answers)))
        answers.clear()
        readiness.startService()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertNotIn("WATCHDOG=1", self.sent)
        answers.append(True)
        self.clock.advance(1)
        self.assertEqual(self.sent.count("WATCHDOG=1"), 1)

    def test_starts_again_after_a_stop(self) -> None:
        readiness = self.readiness(timedelta(seconds=2))
        for _ in range(2):
            readiness.startService()
            readiness.stopService()
        self.assertEqual(self.sent, [SERVING, "WATCHDOG=1", STOPPING] * 2)


class EnvironmentTests(LogCase):
    def test_a_watchdog_for_this_process_or_for_nobody_in_particular_is_ours(self) -> None:
        usec = {"WATCHDOG_USEC": "1500000"}
        self.assertEqual(watchdog_interval(usec, 7), timedelta(seconds=1.5))
        self.assertEqual(watchdog_interval({**usec, "WATCHDOG_PID": "7"}, 7), timedelta(seconds=1.5))
        self.assertIsNone(watchdog_interval({**usec, "WATCHDOG_PID": "8"}, 7))

    def test_no_watchdog_without_a_sensible_interval(self) -> None:
        for usec in ("", "0", "-1", "soon"):
            self.assertIsNone(watchdog_interval({"WATCHDOG_USEC": usec}, 7), usec)
        self.assertIsNone(watchdog_interval({}, 7))

    def test_without_a_socket_everything_is_silent(self) -> None:
        clock = Clock()
        readiness = Readiness.from_environment({"WATCHDOG_USEC": "2000000"}, clock)
        readiness.startService()
        readiness.reloading()
        readiness.reloaded()
        self.assertEqual(clock.getDelayedCalls(), [])
        readiness.stopService()
        self.assertEqual(self.logged("notified"), 0)

    def test_an_address_of_an_unknown_kind_is_ignored_and_named(self) -> None:
        Readiness.from_environment({"NOTIFY_SOCKET": "vsock:2:1234"}, Clock()).startService()
        self.assertEqual(self.logged("NOTIFY_SOCKET"), 1)


class DatagramTests(LogCase):
    def listen(self, address: str | bytes) -> socket.socket:
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(receiver.close)
        receiver.settimeout(5)
        receiver.bind(address)
        return receiver

    def lifetime(self, address: str, receiver: socket.socket) -> list[bytes]:
        """Run a readiness service's whole life and return the datagrams that arrived."""
        environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
        readiness = Readiness.from_environment(environ, Clock())
        readiness.startService()
        readiness.stopService()
        return [receiver.recv(4096) for _ in range(3)]

    def test_a_path_gets_one_datagram_each(self) -> None:
        path = self.enterContext(tempfile.TemporaryDirectory()) + "/notify"  # mktemp() may be too long
        self.assertEqual(self.lifetime(path, self.listen(path)), [SERVING.encode(), b"WATCHDOG=1", STOPPING.encode()])

    def test_an_abstract_name_works_too(self) -> None:
        name = f"pkid-test-{os.getpid()}-{id(self)}"
        received = self.lifetime("@" + name, self.listen(b"\0" + name.encode()))
        self.assertEqual(received[0], SERVING.encode())

    def test_a_socket_that_is_gone_is_logged_and_not_fatal(self) -> None:
        readiness = Readiness(datagram_notify(str(Path(self.mktemp()).absolute())), Clock())
        readiness.startService()
        readiness.stopService()
        self.assertEqual(self.logged("was not notified"), 2)

    def test_a_full_socket_does_not_block(self) -> None:
        name = f"pkid-test-{os.getpid()}-{id(self)}"
        self.listen(b"\0" + name.encode())
        notify = datagram_notify("@" + name)
        with self.assertRaises(BlockingIOError):
            for _ in range(100_000):
                notify("WATCHDOG=1")
