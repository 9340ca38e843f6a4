"""Two years in the life of a fleet: 200 agents, and a core that is restarted, moves, and stays away for too long."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random

from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol

from pkid.agent import CertificateService, Core, Subject
from pkid.auth import component
from pkid.auth.tokens import derive_key
from pkid.ca import renewal
from pkid.testing import START, MemoryCore
from pkid.testing.wire import MemoryEndpoint
from tests.agent.diary import Diary
from tests.agent.timeline import Timeline
from tests.support import Case

AGENTS = 200
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)

MOST_A_SECOND, MOST_A_MINUTE = 6, 60
"""Connections that the core sees at most; 200 agents that come within 7 to 15 minutes are 13 to 27 a minute."""


class Network:
    """Leads agents to the core by its name, and counts the connections that it sees.

    :ivar is_moving: whether the name still leads to an old address, where nothing answers.
    """

    def __init__(self, memory_core: MemoryCore) -> None:
        self.is_moving = False
        self.seen: list[float] = []
        self._memory_core = memory_core
        self._reach = memory_core.runtime.reach

    def reach(self, host: str, port: int) -> IStreamClientEndpoint:
        """Lead there."""
        if self.is_moving:
            return MemoryEndpoint(Factory.forProtocol(Protocol), self._memory_core.clock, lambda: True)
        if self._memory_core.reachable:
            self.seen.append(self._memory_core.clock.seconds())
        return self._reach(host, port)

    def most_within(self, seconds: int) -> int:
        """Return how many connections the core saw at most in so many seconds."""
        return max(Counter(second // seconds for second in self.seen).values())


class YearsTests(Case):
    """The daemon's rules, pages and TLS, real keys and certificates; every timer and every byte has its own instant.

    Two things are not as they are: agents with nothing to do look at the wall clock once a month (each minute, as
    they do, would be 200 million times), and the key that vouches for the CA is derived once for all of them.
    """

    def setUp(self) -> None:
        self.patch(renewal, "_LONGEST_SLEEP", 30 * DAY)
        self.patch(component, "derive_key", cache(derive_key))
        self.memory_core = MemoryCore(YEAR, clock=Timeline())
        self.network = Network(self.memory_core)
        self.diaries = [Diary(self.memory_core.now) for _ in range(AGENTS)]
        self.services: list[CertificateService] = []

    def go_to(self, time: timedelta) -> None:
        """Live until so long after the beginning."""
        self.memory_core.clock.advance((START + time - self.memory_core.now()).total_seconds())

    def deploy(self) -> None:
        """Start the agents, all at once; that is the one time when nothing can spread them."""
        runtime = replace(self.memory_core.runtime, random=Random(20300101).random, reach=self.network.reach)
        for number, diary in enumerate(self.diaries):
            core = Core(self.memory_core.url, self.memory_core.psk, diary, runtime)
            service = CertificateService(core, Subject.of(f"host-{number}.example"), diary)
            service.startService()
            self.addCleanup(service.stopService)
            self.services.append(service)
        self.memory_core.clock.advance(0)
        self.assertEqual(len(self.memory_core.issued), AGENTS)
        self.network.seen.clear()

    def restart(self, lifetime: timedelta) -> None:
        """Restart the core, which takes half a minute, with another ``--leaf-lifetime``."""
        self.memory_core.reachable = False
        self.memory_core.clock.advance(30)
        self.memory_core.lifetime = lifetime
        self.memory_core.restart()
        self.memory_core.reachable = True

    def test_at_the_end_every_agent_has_a_certificate_and_none_was_without_while_the_core_was_there(self) -> None:
        self.deploy()
        self.go_to(YEAR - 2 * DAY)
        self.restart(8 * HOUR)
        self.go_to(YEAR - 1.5 * DAY)
        self.network.is_moving = True
        self.go_to(YEAR - 1.5 * DAY + HOUR)
        self.network.is_moving = False

        gone = YEAR - DAY + HOUR
        self.go_to(gone)
        self.assertLess(max(diary.pages[-1][1] for diary in self.diaries), START + gone + 8 * HOUR)
        self.memory_core.reachable = False
        back = gone + 9 * HOUR
        self.go_to(back)
        self.restart(YEAR)
        self.go_to(back + HOUR)
        self.everybody_has_a_certificate()
        self.go_to(2 * YEAR + DAY)
        self.everybody_has_a_certificate()

        gaps = [gap for diary in self.diaries for gap in diary.gaps()]
        self.assertEqual(len(gaps), AGENTS, "each was without one in the long outage, and only then")
        pause = timedelta(minutes=16)  # one between two attempts, which may have begun just before
        self.assertGreater(min(since for since, _ in gaps), START + gone)
        self.assertLess(max(until for _, until in gaps), START + back + pause)
        self.assertLessEqual(self.network.most_within(1), MOST_A_SECOND)
        self.assertLessEqual(self.network.most_within(60), MOST_A_MINUTE)

    def everybody_has_a_certificate(self) -> None:
        """Check that each agent holds a valid one."""
        for service in self.services:
            held = service.credential
            assert held is not None
            held.check(service.subject.names, self.memory_core.authority, self.memory_core.now())
        self.assertEqual(len(self.services), AGENTS)
