"""Everything that the core counts and measures, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, Histogram
from twisted.internet.defer import Deferred

from pkid.metrics.decisions import LABELS
from pkid.metrics.ending import EndingNames
from pkid.metrics.exposition import Exposition
from pkid.metrics.http import HTTPTraffic
from pkid.metrics.ledger import LedgerMeter
from pkid.metrics.process import describe_process
from pkid.metrics.readings import Labelled, Readings

__all__ = ["CoreMetrics"]


class _Door(Protocol):
    accepted: int
    turned_away: int

    @property
    def channels(self) -> Sized: ...


class _Store(Protocol):
    waiting: int


class _Queue(Protocol):
    refused: int

    @property
    def waiting(self) -> int: ...


class _Derivations(_Queue, Protocol):
    derived: int


class CoreMetrics:
    """The core's metrics: some it is told, the others it reads where they are kept."""

    _names: EndingNames

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        describe_process(registry)
        self.traffic = HTTPTraffic(registry)
        self.meter = LedgerMeter(registry)
        self.group = Histogram(
            "pkid_order_group_size", "Orders in a group.", buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry
        )
        self.ready = Gauge("pkid_ready", "Whether the self-test succeeds, 1 or 0.", registry=registry)
        self.readings = Readings(registry)

    def exposition(self, passes: Callable[[], Deferred[bool]]) -> Exposition:
        """Return the exposition of everything; whoever asks for it makes the self-test run, and names be counted.

        :param passes: fires with whether the self-test succeeds.
        """

        def prepare() -> Deferred[None]:
            self._names.refresh()
            return passes().addCallback(self.ready.set)

        return Exposition(self.registry, prepare)

    def watch(
        self,
        doors: Mapping[str, _Door],
        keys: _Derivations,
        orders: _Queue,
        store: _Store,
        ledger_bytes: Callable[[], int],
        decisions: Callable[[], Labelled],
        names: EndingNames,
        now: Callable[[], datetime],
        ends: Callable[[], Mapping[str, datetime]],
    ) -> None:
        """Read from these whatever they keep.

        :param doors: by their names.
        :param keys: the derivation of signing keys.
        :param now: gives the wall-clock time, aware UTC.
        :param ends: gives when the core's own certificates end, aware UTC.
        """
        self._names = names
        self._watch_doors(doors)
        self._watch_keys(keys)
        self._watch_orders(orders)
        readings = self.readings
        readings.gauge("pkid_store_transactions_waiting", "Transactions that are not done.", lambda: store.waiting)
        readings.gauge("pkid_ledger_bytes", "Bytes that the ledger takes on the disk.", ledger_bytes)
        readings.counters("pkid_decisions", "Decisions, as in the audit trail.", LABELS, decisions)
        readings.gauges(
            "pkid_names_ending", "Components whose last certificate ends within a span.", ["within"], names.ending
        )
        readings.gauges("pkid_names_ended", "Components whose last certificate ended within a week.", [], names.ended)
        readings.gauge("pkid_clock_timestamp_seconds", "The core's clock.", lambda: now().timestamp())
        readings.gauges(
            "pkid_certificate_not_after_timestamp_seconds",
            "When a certificate of the core's own ends.",
            ["certificate"],
            lambda: {(certificate,): end.timestamp() for certificate, end in ends().items()},
        )

    def _watch_doors(self, doors: Mapping[str, _Door]) -> None:
        def each(read: Callable[[_Door], int]) -> Callable[[], Labelled]:
            return lambda: {(name,): read(door) for name, door in doors.items()}

        readings, label = self.readings, ["door"]
        readings.gauges("pkid_connections", "Connections that are open.", label, each(lambda door: len(door.channels)))
        readings.counters(
            "pkid_connections_accepted", "Connections that were made.", label, each(lambda door: door.accepted)
        )
        readings.counters(
            "pkid_connections_refused",
            "Connections cut because their peer had too many.",
            label,
            each(lambda door: door.turned_away),
        )

    def _watch_keys(self, keys: _Derivations) -> None:
        readings = self.readings
        readings.gauge("pkid_derivations_waiting", "Derivations of keys that wait.", lambda: keys.waiting)
        readings.counter("pkid_derivations", "Derivations of keys that were started.", lambda: keys.derived)
        readings.counter(
            "pkid_derivations_refused", "Credentials not looked at because too many waited.", lambda: keys.refused
        )

    def _watch_orders(self, orders: _Queue) -> None:
        readings = self.readings
        readings.gauge("pkid_orders_waiting", "Orders that wait for the next group.", lambda: orders.waiting)
        readings.counter("pkid_orders_refused", "Orders refused because too many waited.", lambda: orders.refused)
