"""Tells the service manager how the daemon is: ready, reloading, stopping, alive.

Speaks systemd's notification protocol (sd_notify(3), sd_watchdog_enabled(3)) and knows nothing of what
the daemon does; whether it is healthy, it asks. Without a service manager it says nothing.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Self

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

__all__ = ["Notify", "Readiness", "datagram_notify", "watchdog_interval"]

Notify = Callable[[str], None]
"""Sends one notification, lines of ``NAME=value``; raises :class:`OSError` when it cannot."""


def datagram_notify(address: str) -> Notify:
    """Make a sender of datagrams to a Unix socket; it never blocks.

    :param address: a path, or an abstract name after ``@``.
    """
    name = "\0" + address[1:] if address.startswith("@") else address

    def notify(message: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            sender.sendto(message.encode(), name)

    return notify


def watchdog_interval(environ: Mapping[str, str], pid: int) -> timedelta | None:
    """Read how often the service manager wants a sign of life, or ``None`` if it does not.

    :param pid: this process; a watchdog meant for another one (``WATCHDOG_PID``) is not ours.
    """
    usec = environ.get("WATCHDOG_USEC", "")
    if not usec.isdecimal() or int(usec) == 0 or environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    return timedelta(microseconds=int(usec))


def _always() -> bool:
    return True


class Readiness(Service):
    """Notifies the service manager; make it the last child, so that it starts last and stops first.

    A notification that cannot be sent is logged, and changes nothing else.

    :param notify: sends one notification, or ``None`` for silence.
    :param clock: times the signs of life.
    :param watchdog: the service manager's patience; a sign of life is sent at half of it.
    :param healthy: asked before each sign of life; while it is false or raises, none is sent.
    :param monotonic: ``CLOCK_MONOTONIC`` in nanoseconds.
    """

    _log = Logger()
    _next_beat: IDelayedCall | None = None

    def __init__(
        self,
        notify: Notify | None,
        clock: IReactorTime,
        watchdog: timedelta | None = None,
        healthy: Callable[[], bool] = _always,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._notify = notify
        self._clock = clock
        self._watchdog = watchdog if notify else None
        self._healthy = healthy
        self._monotonic = monotonic

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], clock: IReactorTime, healthy: Callable[[], bool] = _always
    ) -> Self:
        """Make what ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` ask for."""
        address = environ.get("NOTIFY_SOCKET", "")
        notify = datagram_notify(address) if address[:1] in ("/", "@") else None
        if address and notify is None:
            cls._log.warn("NOTIFY_SOCKET {address} is neither a path nor an abstract name; ignored", address=address)
        return cls(notify, clock, watchdog_interval(environ, os.getpid()), healthy)

    def startService(self) -> None:
        """Say that the daemon is ready, and start the signs of life."""
        super().startService()
        self._send("READY=1\nSTATUS=Serving")
        self._beat()

    def stopService(self) -> None:
        """Say that the daemon is stopping, and give no more signs of life."""
        super().stopService()
        if self._next_beat is not None:
            self._next_beat.cancel()
            self._next_beat = None
        self._send("STOPPING=1\nSTATUS=Finishing what is in flight")

    def reloading(self) -> None:
        """Say that the configuration is being read again; follow it with :meth:`reloaded`."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic() // 1000}\nSTATUS=Reloading")

    def reloaded(self) -> None:
        """Say that the daemon is ready again, whether or not the reload changed anything."""
        self._send("READY=1\nSTATUS=Serving")

    def _beat(self) -> None:
        """Give a sign of life if the daemon is healthy, and come back at half the watchdog's interval."""
        if self._watchdog is None:
            return
        self._next_beat = self._clock.callLater(self._watchdog.total_seconds() / 2, self._beat)
        try:
            healthy = self._healthy()
        except Exception:
            self._log.failure("the health check failed; the watchdog gets no sign of life")
            return
        if healthy:
            self._send("WATCHDOG=1")
        else:
            self._log.warn("not healthy; the watchdog gets no sign of life")

    def _send(self, message: str) -> None:
        if self._notify is None:
            return
        try:
            self._notify(message)
        except OSError as error:
            self._log.warn("the service manager was not notified: {error}", error=error, message=message)
