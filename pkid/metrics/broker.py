"""What is counted and measured of the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pkid.broker.overview import Figures
from pkid.messaging.occupancy import Occupancy
from pkid.messaging.tally import Tally
from pkid.metrics.readings import Labelled, Readings

__all__ = ["watch_broker"]

_OVERFLOW = "overflow"


class _Broker(Protocol):
    @property
    def tally(self) -> Tally: ...

    @property
    def occupancy(self) -> Occupancy: ...

    @property
    def figures(self) -> Figures: ...

    def states(self) -> Labelled: ...


class _Store(Protocol):
    @property
    def waiting(self) -> int: ...

    @property
    def dropped(self) -> int: ...

    @property
    def messages(self) -> int: ...


class _File(Protocol):
    def size(self) -> int: ...


def watch_broker(readings: Readings, broker: _Broker, store: _Store, file: _File) -> None:
    """Read from these whatever they keep.

    :param store: what the broker keeps; *file* is where that lies.
    """
    tally = broker.tally
    readings.gauges("pkid_broker_sessions", "Sessions that are not closed.", ["door", "state"], broker.states)
    readings.counter(
        "pkid_broker_connections_refused", "Connections for which there was no place.", lambda: broker.occupancy.refused
    )
    readings.counters(
        "pkid_broker_sessions_closed", "Sessions that the core ended.", ["reason"], lambda: _by_word(tally.closed)
    )
    readings.counters(
        "pkid_broker_logins",
        "Proofs of a name.",
        ["scheme", "result"],
        lambda: {kind: number for kind, number in tally.logins.items()},
    )
    readings.counters(
        "pkid_broker_commands", "What clients asked for.", ["command"],
        lambda: {(kind.__name__.lower(),): number for kind, number in tally.commands.items()},
    )  # fmt: skip
    readings.counter("pkid_broker_deliveries", "Messages written, once for each subscriber.", lambda: tally.delivered)
    readings.counters(
        "pkid_broker_undelivered", "Messages given up for a subscriber.", ["reason"],
        lambda: {(_OVERFLOW,): broker.figures.dropped, **_by_word(tally.undelivered)},
    )  # fmt: skip
    readings.gauge("pkid_broker_calls_waiting", "Calls that wait for an answer.", lambda: broker.figures.calls)
    readings.gauge(
        "pkid_broker_waiting_bytes", "Bytes that wait for slow sessions.", lambda: broker.figures.waiting_bytes
    )
    readings.counter("pkid_broker_kept", "Messages that were given to the store.", lambda: tally.kept)
    readings.gauge("pkid_broker_store_waiting", "What waits to be written to the store.", lambda: store.waiting)
    readings.counter("pkid_broker_store_dropped", "What the store had no room to let wait.", lambda: store.dropped)
    readings.gauge("pkid_broker_store_messages", "Messages that are kept.", lambda: store.messages)
    readings.gauge("pkid_broker_store_bytes", "Bytes that the message store takes on the disk.", file.size)


def _by_word(counts: Mapping[str, int]) -> Labelled:
    return {(word,): number for word, number in counts.items()}
