"""Looks at a core, at most once in an interval, and keeps what was seen last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.answers import Answer, BadAnswer, CoreError
from pkid.ca.trust import TrustError
from pkid.errors import StateError
from pkid.exchange import Request
from pkid.exporter.inventory import Inventory, question, read_inventory

__all__ = ["Ask", "Observation", "Sight"]

Ask = Callable[[Request], Deferred[Answer]]
"""Sends a request to the core with a credential, and fires with its answer of status 200."""

_OWN = "pkid_"
"""What the names of those metrics of the core begin with that are told on; its process's are not."""

_EXPECTED = (CoreError, TrustError, StateError)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a core at one time.

    :ivar at: when, in seconds of the clock.
    :ivar metrics: the core's own.
    """

    at: float
    inventory: Inventory
    metrics: tuple[Metric, ...]


class Observation(Service):
    """What is known of a core.

    :param interval: how long one look is good for.
    :param patience: how long one look may take.
    :ivar last: what was seen last; ``None`` before that.
    :ivar up: whether the last look succeeded.
    :ivar seconds: how long it took.
    """

    name = "observation"
    _log = Logger()
    _looking: Deferred[None] | None = None

    def __init__(
        self, ask: Ask, clock: IReactorTime, interval: timedelta, patience: timedelta = timedelta(seconds=5)
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._interval = interval.total_seconds()
        self._patience = patience.total_seconds()
        self._looked_at = float("-inf")
        self._waiters: set[Deferred[None]] = set()
        self.last: Sight | None = None
        self.up = False
        self.seconds = 0.0

    @property
    def age(self) -> float | None:
        """How old what was seen last is, in seconds."""
        return None if self.last is None else self._clock.seconds() - self.last.at

    def refresh(self) -> Deferred[None]:
        """Look, unless that was done within the interval; fire when it is done, well or not.

        One look serves all who ask meanwhile, and goes on when they leave.
        """
        if self._looking is None and self._clock.seconds() - self._looked_at < self._interval:
            return succeed(None)
        waiter: Deferred[None] = Deferred(self._waiters.discard)
        self._waiters.add(waiter)
        if self._looking is None:
            self._looking = looking = Deferred.fromCoroutine(self._look())
            looking.addTimeout(self._patience, self._clock)
            looking.addErrback(self._failed).addBoth(self._done, self._clock.seconds())
        return waiter

    def stopService(self) -> None:
        """Stop a look that is under way."""
        super().stopService()
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        inventory = read_inventory(await self._ask(question()))
        metrics = _metrics(await self._ask(Request("GET", "/metrics")))
        if not self.up:
            self._log.info("the core is observed")
        self.up, self.last = True, Sight(self._clock.seconds(), inventory, metrics)

    def _failed(self, failure: Failure) -> None:
        """Say that the core is not up, in the log only when that is news."""
        news = self.up or self._looked_at == float("-inf")
        self.up = False
        if failure.check(CancelledError):
            return
        if not failure.check(*_EXPECTED, TimeoutError):
            self._log.failure("the core cannot be observed", failure)
        elif news:
            why = "it does not answer" if failure.check(TimeoutError) else failure.getErrorMessage()
            self._log.error("the core cannot be observed: {why}", why=why)

    def _done(self, result: None, started: float) -> None:
        self._looking = None
        self._looked_at = self._clock.seconds()
        self.seconds = self._looked_at - started
        waiters, self._waiters = self._waiters, set()
        while waiters:  # one who is answered may make others leave
            waiters.pop().callback(None)


def _metrics(answer: Answer) -> tuple[Metric, ...]:
    try:
        families = text_string_to_metric_families(answer.body.decode("utf-8"))
        return tuple(family for family in families if family.name.startswith(_OWN))
    except ValueError:
        raise BadAnswer("the core's metrics cannot be read; see that the address is a core's") from None
