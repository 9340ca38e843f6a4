"""The process itself: memory, open files, processor time, and what it runs on."""

from __future__ import annotations

import platform
import time

import twisted
from prometheus_client import CollectorRegistry, Info
from prometheus_client.process_collector import ProcessCollector

from pkid import __version__

__all__ = ["describe_process"]


def describe_process(registry: CollectorRegistry) -> None:
    """Add the ``process_`` metrics that every Prometheus client has, and what was built from what."""
    _Process(registry=registry)
    build = Info("pkid_build", "The versions of what runs.", registry=registry)
    build.info({"version": __version__, "python": platform.python_version(), "twisted": twisted.__version__})


class _Process(ProcessCollector):
    """The library's collector, where systemd hides ``/proc/stat`` too (``ProcSubset=pid``)."""

    def _boot_time(self) -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
