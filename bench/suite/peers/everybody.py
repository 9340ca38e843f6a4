"""All peers, so that none is installed while others are measured."""

from __future__ import annotations

from contextlib import suppress

from bench.suite.measurement import Skipped
from bench.suite.peers import cfssl, crossbar, mosquitto, nats, openbao, rembus

__all__ = ["install_everybody"]


def install_everybody() -> None:
    """Install whoever is not there yet and can be had; the others tell why when their turn comes."""
    for each in (cfssl, crossbar, mosquitto, nats, openbao, rembus):
        with suppress(Skipped):
            each.install()
