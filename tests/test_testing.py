"""The core in memory for other people's tests, as its guide types it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest import TestResult

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestSuite

from pkid.agent import CertificateService, Core, MemoryStorage, Subject
from pkid.testing import START, MemoryCore
from tests.daemon import CHECKOUT
from tests.support import Case

GUIDE = CHECKOUT / "docs" / "agent.md"


class GuideTests(Case):
    """``docs/agent.md`` does what it says."""

    def blocks(self) -> list[str]:
        return re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)

    def test_its_test_case_passes_as_typed(self) -> None:
        (block,) = (block for block in self.blocks() if "SynchronousTestCase" in block)
        namespace: dict[str, Any] = {"__name__": "typed"}
        exec(block, namespace)
        typed = namespace["RenewalTests"]
        names = [name for name in vars(typed) if name.startswith("test_")]
        result = TestResult()
        TestSuite(map(typed, names)).run(result)
        self.assertEqual((result.testsRun, result.failures, result.errors), (2, [], []))

    def test_its_program_is_typed_rightly(self) -> None:
        (block,) = (block for block in self.blocks() if "setServiceParent" in block)
        stand_ins = {"reactor": object(), "psk": "key", "application": _Parent()}
        lines = [line for line in block.splitlines() if line != "from twisted.internet import reactor"]
        exec("\n".join(lines), stand_ins)
        self.assertIsInstance(stand_ins["service"], CertificateService)


class MemoryCoreTests(Case):
    def test_time_stands_still(self) -> None:
        memory_core = MemoryCore()
        self.assertEqual(memory_core.now(), START)
        service = memory_core.certificate_service("web.example")
        service.startService()
        self.assertIsNone(service.credential)
        service.stopService()

    def test_ones_own_core_lives_in_it(self) -> None:
        memory_core = MemoryCore(lifetime=timedelta(minutes=5))
        storage = MemoryStorage()
        core = Core(memory_core.url, memory_core.psk, storage, memory_core.runtime)
        service = CertificateService(core, Subject.of("web", ["web.example"], ["192.0.2.7"], "web-1"), storage)
        service.startService()
        memory_core.clock.advance(0)
        (certificate,) = memory_core.issued
        self.assertEqual(certificate.not_valid_after_utc, START + timedelta(minutes=5))
        service.stopService()

    def test_a_fleet_may_come_at_once(self) -> None:
        memory_core = MemoryCore()
        connected = [
            self.successResultOf(memory_core.runtime.reach("core.example", 8900).connect(Factory.forProtocol(Staying)))
            for _ in range(300)
        ]
        memory_core.clock.advance(0)
        self.assertTrue(all(protocol.is_there for protocol in connected))  # type: ignore[attr-defined]
        memory_core.clock.advance(60)

    def test_a_restart_keeps_the_ca_and_the_ledger_and_reads_the_lifetime_again(self) -> None:
        memory_core = MemoryCore()
        service = memory_core.certificate_service("web.example")
        service.startService()
        memory_core.clock.advance(0)
        authority, memory_core.lifetime = memory_core.authority, timedelta(days=30)
        memory_core.clock.advance(1)
        memory_core.restart()
        service.renew()
        memory_core.clock.advance(0)
        first, second = memory_core.issued
        self.assertEqual(memory_core.authority, authority)
        self.assertEqual(second.not_valid_after_utc, memory_core.now() + timedelta(days=30))
        self.assertEqual([entry.renews for entry in memory_core.store.entries], [None, first.serial_number])
        service.stopService()

    def test_other_hosts_are_not_there(self) -> None:
        memory_core = MemoryCore()
        core = Core("https://other.example:8900", memory_core.psk, MemoryStorage(), memory_core.runtime)
        self.failureResultOf(core.authority())


class Staying(Protocol):
    """Knows whether it is connected."""

    is_there = True

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_there = False


class _Parent:
    """Takes services."""

    def addService(self, service: object) -> None:
        """Take one."""
