"""How long it takes until a whole fleet has new certificates, when all of it wants them at the same instant.

The components are certificate services of the agent, each with an address of its own, in this process. They get their
first certificates a few at a time. Then the core ends, as in an outage, and comes back, and all of them renew at once,
with whatever pauses and time-outs they have. This process and the core share the processors, so both set the pace.

    .venv/bin/python bench/herd.py [--components 2000] [--patience SECONDS]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core import Core as Process
from core import running_core
from cryptography import x509
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import react
from twisted.logger import globalLogPublisher

from pkid.agent import CertificateService, Core, Credential, MemoryStorage, Runtime, Subject

AT_A_TIME = 32


class Component:
    """One component.

    :ivar renewed: fires with the seconds that it took, once there is a new certificate.
    """

    def __init__(self, number: int, reach: Callable[[int], IStreamClientEndpoint], herd: Herd) -> None:
        runtime = replace(Runtime.of(herd.reactor), reach=lambda host, port: reach(number))
        storage = _Storage(self._saved)
        storage.save_authority(herd.authority)
        core = Core("https://localhost:8900", herd.psk, storage, runtime, timeout=herd.patience)
        self.service = CertificateService(core, Subject.of(f"host-{number}.example"), storage)
        self.renewed: Deferred[float] | None = None

    def enroll(self) -> Deferred[Credential]:
        """Get the first certificate."""
        self.service.startService()
        return self.service.when_ready()

    def renew(self) -> Deferred[float]:
        """Renew it now, and go on until that is done."""
        self._began = time.monotonic()
        self.renewed = Deferred()
        self.service.renew().addErrback(lambda _: None)
        return self.renewed

    def _saved(self) -> None:
        if self.renewed is not None and not self.renewed.called:
            self.service._runtime.clock.callLater(0, self.renewed.callback, time.monotonic() - self._began)


class _Storage(MemoryStorage):
    """Tells when a certificate is kept."""

    def __init__(self, told: Callable[[], None]) -> None:
        super().__init__()
        self._told = told

    def save_credential(self, credential: Credential) -> None:
        super().save_credential(credential)
        self._told()


class Herd:
    """All components, and what their log says of failures."""

    def __init__(self, reactor: Any, core: Process, number: int, patience: timedelta) -> None:
        self.reactor = reactor
        self.port = core.port
        self.psk = (core.state / "psk").read_text().strip()
        self.authority = x509.load_pem_x509_certificate((core.state / "ca.crt").read_bytes())
        self.patience = patience
        self.failures: Counter[str] = Counter()
        self.connections = 0
        globalLogPublisher.addObserver(self._note)
        self.components = [Component(each, self._reach, self) for each in range(number)]

    def _reach(self, number: int) -> IStreamClientEndpoint:
        self.connections += 1
        address = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        return TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.port, timeout=300, bindAddress=(address, 0))

    def _note(self, event: Any) -> None:
        error = event.get("error")
        if error is not None and event["log_level"].name in ("error", "critical"):
            self.failures[type(error).__name__] += 1

    async def enroll(self) -> None:
        """Get the first certificates, some at a time."""
        turns = DeferredSemaphore(AT_A_TIME)
        await gatherResults([turns.run(component.enroll) for component in self.components])

    async def renew(self) -> list[float]:
        """Let all renew at once; return how long each took."""
        self.failures.clear()
        self.connections = 0
        return sorted(await gatherResults([component.renew() for component in self.components]))


async def measure(reactor: Any, number: int, patience: timedelta) -> None:
    """Let a herd of so many enroll, wait out an outage and renew, and print what that took."""
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        with running_core(state=state) as core:
            herd = Herd(reactor, core, number, patience)
            await herd.enroll()
        with running_core(state=state) as core:
            herd.port = core.port
            took = await herd.renew()
            used = core.processor_seconds()
        for component in herd.components:
            component.service.stopService()
    print(f"{number} components, {len(took)} renewed, {herd.connections} connections")
    for name, share in (("median", 0.5), ("p99", 0.99), ("all done", 1.0)):
        print(f"{name:<20} {took[min(len(took) - 1, int(len(took) * share))]:8.2f} s")
    print(f"{'core':<20} {1000 * used / number:8.2f} ms of a processor for each")
    print(f"{'refused (503)':<20} {herd.failures.pop('Busy', 0):8}")
    for name, count in sorted(herd.failures.items()):
        print(f"{name:<20} {count:8}")


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=2000)
    parser.add_argument("--patience", type=float, default=10.0, help="seconds that an exchange may take")
    options = parser.parse_args()
    with suppress(SystemExit):
        react(
            lambda reactor: Deferred.fromCoroutine(
                measure(reactor, options.components, timedelta(seconds=options.patience))
            )
        )


if __name__ == "__main__":
    main()
