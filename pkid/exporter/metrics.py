"""What was seen of a core, as metrics of the exporter's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from pkid.exporter.inventory import Counts, Inventory
from pkid.exporter.observation import Observation
from pkid.metrics.process import describe_process
from pkid.metrics.readings import Labelled, Readings

__all__ = ["ExporterMetrics"]


class ExporterMetrics:
    """The exporter's metrics: whether the core is up, what is in its inventory, and what it counts itself.

    :param certificate_end: gives when the exporter's own certificate ends, in seconds since the epoch, if it has one.
    """

    def __init__(self, observation: Observation, certificate_end: Callable[[], float | None]) -> None:
        self._seen = observation
        self.registry = CollectorRegistry()
        describe_process(self.registry, build="pkid_metrics_build")
        self._readings = Readings(self.registry)
        self._offer_observation()
        self._offer_certificates()
        self._offer_credentials()
        self._readings.gauges(
            "pkid_metrics_certificate_not_after_timestamp_seconds",
            "When the exporter's own certificate ends.",
            (),
            lambda: _if_known(certificate_end()),
        )
        self.registry.register(_Core(observation))

    def _offer_observation(self) -> None:
        seen, readings = self._seen, self._readings
        readings.gauge("pkid_up", "Whether the last look at the core succeeded, 1 or 0.", lambda: float(seen.up))
        readings.gauges(
            "pkid_observation_age_seconds", "How old what is told of the core is.", (), lambda: _if_known(seen.age)
        )
        readings.gauge("pkid_observation_seconds", "Seconds that the last look took.", lambda: seen.seconds)

    def _offer_certificates(self) -> None:
        def offer(ending: str, documentation: str, read: Callable[[Inventory], Counts]) -> None:
            name = f"pkid_inventory_certificates{ending}"
            self._readings.gauges(name, documentation, ("profile",), lambda: self._of_inventory(_by_profile(read)))

        offer("", "Certificates in the ledger.", lambda inventory: inventory.kept)
        offer("_valid", "Certificates that have not ended.", lambda inventory: inventory.valid)
        offer("_expired", "Certificates in the ledger that have ended.", _expired)
        offer("_renewals", "Certificates in the ledger that renew another one.", lambda inventory: inventory.renewals)
        self._readings.gauges(
            "pkid_inventory_certificates_ending",
            "Valid certificates that end within a span, renewed or not.",
            ("profile", "within"),
            lambda: self._of_inventory(_ending),
        )

    def _offer_credentials(self) -> None:
        self._readings.gauges(
            "pkid_inventory_credentials",
            "Credentials that the core accepts, by role.",
            ("credential", "role"),
            lambda: self._of_inventory(lambda inventory: {(c.name, c.role): 1 for c in inventory.credentials}),
        )
        self._readings.gauges(
            "pkid_inventory_credential_expires_timestamp_seconds",
            "When a credential ends, if it does.",
            ("credential",),
            lambda: self._of_inventory(
                lambda inventory: {(c.name,): c.expires.timestamp() for c in inventory.credentials if c.expires}
            ),
        )

    def _of_inventory(self, read: Callable[[Inventory], Labelled]) -> Labelled:
        return {} if self._seen.last is None else read(self._seen.last.inventory)


class _Core(Collector):
    """What the core itself counts and measures, as it was seen last."""

    def __init__(self, observation: Observation) -> None:
        self._seen = observation

    def describe(self) -> Iterable[Metric]:
        """Name no metric: which there are is the core's business."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Give them all."""
        return () if self._seen.last is None else self._seen.last.metrics


def _if_known(value: float | None) -> Labelled:
    return {} if value is None else {(): value}


def _by_profile(read: Callable[[Inventory], Counts]) -> Callable[[Inventory], Labelled]:
    return lambda inventory: {(profile,): number for profile, number in read(inventory).items()}


def _expired(inventory: Inventory) -> Counts:
    return {profile: max(number - inventory.valid.get(profile, 0), 0) for profile, number in inventory.kept.items()}


def _ending(inventory: Inventory) -> Labelled:
    return {
        (profile, span): counts.get(profile, 0)
        for span, counts in inventory.ending.items()
        for profile in inventory.kept
    }
