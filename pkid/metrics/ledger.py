"""What the store is given to do: transactions, how long they take, and the certificates that they record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram

from pkid.ca.ledger import Entry
from pkid.ca.profile import Purpose

__all__ = ["LedgerMeter"]

_PROFILES = (Purpose.COMPONENT.value, Purpose.CORE.value)
_ORDERS = ("new", "renewal")
_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5)


class LedgerMeter:
    """Times transactions and counts certificates; a :class:`pkid.store.interfaces.Meter`, for any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "pkid_store_transaction_seconds",
            "Seconds that a transaction took, its durable commit included.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._failures = Counter(
            "pkid_store_failures", "Transactions that the database did not take.", registry=registry
        )
        signed = Counter(
            "pkid_certificates_signed", "Certificates signed and recorded.", ["profile", "order"], registry=registry
        )
        self._signed = {kind: signed.labels(*kind) for kind in product(_PROFILES, _ORDERS)}

    def committed(self, seconds: float, recorded: Sequence[Entry]) -> None:
        """Take note of a transaction that is committed, and of the entries that it added."""
        self._seconds.observe(seconds)
        for entry in recorded:
            self._signed[entry.profile, _ORDERS[entry.renews is not None]].inc()

    def failed(self, seconds: float) -> None:
        """Take note of a transaction that the database did not take."""
        self._seconds.observe(seconds)
        self._failures.inc()
