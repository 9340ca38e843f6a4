"""The doors of a running core, as a component finds them: whether they answer, are to be trusted, and tell the time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Self

from pkid.answers import Answer, CoreError, succeeded
from pkid.ca.trust import TrustError
from pkid.exchange import Request, Unreachable, exchange
from pkid.origin import Origin
from pkid.shell.doctor.finding import Finding, failure, ok, problem, warning

__all__ = ["Door", "ask_core", "check_clock", "check_door", "check_readiness", "doors"]

_LONGEST_SHOWN = 200  # characters of a stranger's text


@dataclass(frozen=True, slots=True)
class Door:
    """Where a core says that it listens.

    :ivar address: host and port, or the path of a Unix socket.
    """

    name: str
    address: tuple[str, int] | str

    @classmethod
    def read(cls, line: str) -> Self | None:
        """Read a line of ``STATE/addresses``; ``None`` if it is none."""
        match line.split(" ", 1):
            case [name, path] if path.startswith("/"):
                return cls(name, path)
        match line.split():
            case [name, host, port] if port.isdecimal():
                return cls(name, (host, int(port)))
        return None

    @property
    def origin(self) -> Origin | None:
        """Where a client finds it, if that is by HTTPS."""
        if self.name != "https" or isinstance(self.address, str):
            return None
        host, port = self.address
        address = ip_address(host)
        return Origin("https", "localhost" if address.is_unspecified or address.is_loopback else host, port)


def check_door(door: Door, timeout: timedelta) -> Finding:
    """Check that something accepts connections there."""
    where = door.address if isinstance(door.address, str) else f"{door.address[0]} {door.address[1]}"
    try:
        _connect(door.address, timeout.total_seconds())
    except OSError as error:
        remedy = "see the core's log; if it does not run, this is left of a crash"
        return problem(f"the {door.name} door at {where} does not answer ({error.strerror or error})", remedy)
    return ok(f"the {door.name} door at {where} answers")


def ask_core(origin: Origin, context: ssl.SSLContext, timeout: timedelta) -> tuple[Answer | None, Finding]:
    """Ask a core whether it is ready; return its answer, and whether it is to be trusted.

    :param context: trusts what is to be trusted.
    """
    request = Request("GET", "/system/ready")
    try:
        answer = exchange(origin, request, context, timeout)
    except (CoreError, TrustError) as error:
        if isinstance(error, Unreachable) and not error.transient and _speaks_plainly(origin, context, timeout):
            return None, warning(f"{origin} speaks plain text", "leave --no-tls out where others can listen")
        return None, failure(error)
    what = f"{origin} has a certificate from the trusted CA, for this name" if origin.scheme == "https" else str(origin)
    return answer, ok(what)


def check_readiness(answer: Answer) -> Finding:
    """Check that the core can sign, by what it says of itself."""
    try:
        succeeded(answer)
    except CoreError as error:
        return problem(f"the core is not ready: {error}", "see the core's log")
    first, *more = answer.body.decode("utf-8", "replace").strip().splitlines() or [""]
    if first.strip() != "ok":
        return warning("what answers is no core, or another version's", "see that the address is a core's")
    if more:
        what = f"the core is ready, but it runs with {', '.join(more)[:_LONGEST_SHOWN]}"
        return warning(what, "start it without --psk '' and --no-tls")
    return ok("the core is ready: it signed, verified and wrote to its ledger")


def check_clock(answer: Answer, now: float) -> Finding:
    """Compare the core's clock with ours.

    :param now: seconds since the epoch.
    """
    try:
        offset = round(parsedate_to_datetime(answer.headers["Date"]).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return warning("the core does not tell the time", "see that the address is a core's")
    if abs(offset) <= 5:
        return ok("the clocks agree")
    what = f"the core's clock is {abs(offset)} seconds {'ahead of' if offset > 0 else 'behind'} this one"
    if abs(offset) <= 60:
        return warning(what, "let both be set by NTP")
    return problem(what, "set the wrong one: tokens and new certificates are not accepted")


def _connect(address: tuple[str, int] | str, timeout: float) -> None:
    if isinstance(address, str):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(address)
    else:
        socket.create_connection(_reachable(*address), timeout).close()


def _reachable(host: str, port: int) -> tuple[str, int]:
    return ("localhost" if ip_address(host).is_unspecified else host), port


def _speaks_plainly(origin: Origin, context: ssl.SSLContext, timeout: timedelta) -> bool:
    plain = Origin("http", origin.host, origin.port)
    try:
        return exchange(plain, Request("GET", "/system/ping"), context, timeout).status == HTTPStatus.OK
    except CoreError:
        return False


def doors(text: str) -> Iterator[Door]:
    """Read the lines of ``STATE/addresses``."""
    yield from filter(None, map(Door.read, text.splitlines()))
