"""The process itself: memory, open files, processor time, and what it runs on."""

from __future__ import annotations

import platform
import time

import twisted
from prometheus_client import CollectorRegistry, Info
from prometheus_client.process_collector import ProcessCollector

from pkid import __version__

__all__ = ["describe_process"]


def describe_process(registry: CollectorRegistry, build: str = "pkid_build") -> None:
    """Add the ``process_`` metrics that every Prometheus client has, and what was built from what.

    :param build: the name of the latter, without ``_info``.
    """
    _Process(registry=registry)
    Info(build, "The versions of what runs.", registry=registry).info(
        {"version": __version__, "python": platform.python_version(), "twisted": twisted.__version__}
    )


class _Process(ProcessCollector):
    """The library's collector, where systemd hides ``/proc/stat`` too (``ProcSubset=pid``)."""

    def _boot_time(self) -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
