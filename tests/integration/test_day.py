"""Some minutes in the life of a fleet whose certificates live for two: 200 agents, a real core, the real clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent import CertificateService, Core, Runtime, Subject
from tests.agent.diary import Diary
from tests.daemon import start_daemon
from tests.support import slow

AGENTS = 200
PSK = "a good pre-shared key, 1"
LIFETIME = timedelta(minutes=2)
PAUSE = timedelta(seconds=30 + 10)
"""How long an agent may wait between two attempts, and for the second to be answered."""

MOST_A_SECOND = 60
"""Connections that the core sees at most; 200 agents that come within 15 to 30 seconds are 7 to 13 a second."""


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class DayTests(TestCase):
    timeout = 600

    def setUp(self) -> None:
        slow()
        self.daemon = start_daemon(self, "--psk", PSK, "--leaf-lifetime", "2m")
        self.port = self.daemon.port
        self.is_up = True
        self.seen: Counter[int] = Counter()
        runtime = replace(Runtime.of(reactor), reach=self.reach)
        self.diaries = [Diary(now) for _ in range(AGENTS)]
        self.services = [
            CertificateService(
                Core("https://localhost:8900", PSK, diary, runtime), Subject.of(f"host-{number}.example"), diary
            )
            for number, diary in enumerate(self.diaries)
        ]

    def reach(self, host: str, port: int) -> IStreamClientEndpoint:
        """Lead to wherever the core is now, as a name service or a balancer would."""
        if self.is_up:
            self.seen[int(now().timestamp())] += 1
        return HostnameEndpoint(reactor, host, self.port)

    async def live(self, span: timedelta) -> None:
        """Let real time pass: OpenSSL and the core ask no other clock."""
        await deferLater(reactor, span.total_seconds())

    async def deploy(self) -> None:
        """Start the agents, all at once; that is the one time when nothing can spread them."""
        for service in self.services:
            service.startService()
            self.addCleanup(service.stopService)
        await gatherResults([service.when_ready() for service in self.services])
        await self.live(timedelta(seconds=1))
        self.seen.clear()

    async def stop_and_start(self, pause: timedelta) -> None:
        """Stop the core for so long; it comes back at another port."""
        self.is_up = False
        await deferToThread(self.daemon.stop)
        await self.live(pause)
        await deferToThread(self.daemon.start)
        self.assertNotEqual(self.daemon.port, self.port)
        self.port, self.is_up = self.daemon.port, True

    async def test_at_the_end_every_agent_has_a_certificate_and_none_was_without_while_the_core_was_there(self) -> None:
        await self.deploy()
        await self.live(timedelta(seconds=45))
        await self.stop_and_start(timedelta(0))
        await self.live(timedelta(seconds=45))
        gone = now()
        await self.stop_and_start(LIFETIME + timedelta(seconds=5))
        back = now()
        await self.live(PAUSE)
        self.everybody_has_a_certificate()
        await self.live(timedelta(seconds=45))
        self.everybody_has_a_certificate()

        gaps = [gap for diary in self.diaries for gap in diary.gaps()]
        self.assertEqual(len(gaps), AGENTS, "each was without one in the long outage, and only then")
        self.assertGreater(min(since for since, _ in gaps), gone)
        self.assertLess(max(until for _, until in gaps), back + PAUSE)
        self.assertLessEqual(max(self.seen.values()), MOST_A_SECOND)

    def everybody_has_a_certificate(self) -> None:
        """Check that each agent holds a valid one."""
        for service in self.services:
            held, authority = service.credential, service.core.known_authority
            assert held is not None
            assert authority is not None
            held.check(service.subject.names, authority, now())
