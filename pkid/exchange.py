"""One HTTP exchange with the core, blocking, with a limit to everything.

Knows sockets, TLS and HTTP/1.1; must not know what is asked or what the answer means, and never tries twice.
Redirects and proxies are not followed.
"""

from __future__ import annotations

import io
import socket
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from time import monotonic
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import Answer, BadAnswer, CoreError
from pkid.ca.trust import TrustError

__all__ = [
    "Origin",
    "Request",
    "Unreachable",
    "UntrustedServer",
    "exchange",
    "unverified_context",
    "verified_context",
]

_LARGEST_BODY = 64 * 1024  # bytes


class Unreachable(CoreError):
    """The core could not be reached, or the connection broke.

    :ivar transient: whether it may work when it is tried again.
    """

    def __init__(self, message: str, *, transient: bool = True) -> None:
        self.transient = transient
        super().__init__(message)


class UntrustedServer(TrustError):
    """The server's certificate is not from the trusted CA, not for this host, or not valid now."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a core is: scheme, host and port (RFC 6454, section 4)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, uri: str) -> Self:
        """Read ``https://HOST:PORT`` or ``http://HOST:PORT``; the ports of the schemes are the defaults.

        :raises ValueError: when it is anything else.
        """
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(_NO_ORIGIN.format(uri)) from None
        plain = parts.path in {"", "/"} and "@" not in parts.netloc and not parts.query and not parts.fragment
        if parts.scheme not in {"http", "https"} or not plain or not host.isprintable() or not host or " " in host:
            raise ValueError(_NO_ORIGIN.format(uri))
        return cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; the path has its query."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def unverified_context() -> ssl.SSLContext:
    """Return a TLS context that verifies nothing: only for what is proved in another way."""
    context = _context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def verified_context(authority: x509.Certificate) -> ssl.SSLContext:
    """Return a TLS context that trusts this CA certificate and no other, and checks the host's name.

    It may be an intermediate's certificate: trust ends there.
    """
    context = _context()
    context.load_verify_locations(cadata=authority.public_bytes(Encoding.PEM).decode("ascii"))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def exchange(origin: Origin, request: Request, context: ssl.SSLContext, timeout: timedelta) -> Answer:
    """Send a request and read the whole answer.

    :param timeout: for all of it, however slowly the answer drips; only looking up the name is not counted.
    :raises Unreachable: when there is no connection, or it breaks, or time is up.
    :raises UntrustedServer: when the context does not trust the server.
    :raises BadAnswer: when the answer is no HTTP, or larger than 64 KiB.
    """
    deadline = _Deadline(timeout)
    try:
        return _exchange(origin, request, context, deadline)
    except ssl.SSLCertVerificationError as error:
        raise UntrustedServer(
            f"{origin} is not to be trusted ({error.verify_message}); see that the address is one of the core's names,"
            " and that the CA certificate is the core's"
        ) from None
    except TimeoutError:
        raise Unreachable(f"{origin} did not answer within {timeout.total_seconds():g} seconds; try again") from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise _unreachable(origin, error) from None


def _exchange(origin: Origin, request: Request, context: ssl.SSLContext, deadline: _Deadline) -> Answer:
    connection = _connection(origin, context, deadline.remaining())
    connection.response_class = partial(_response, deadline)  # type: ignore[assignment]
    try:
        connection.connect()
        connection.sock.settimeout(deadline.remaining())
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        return _read(origin, connection.getresponse())
    finally:
        connection.close()


def _read(origin: Origin, response: HTTPResponse) -> Answer:
    body = response.read(_LARGEST_BODY + 1)
    if len(body) > _LARGEST_BODY:
        raise BadAnswer(f"{origin} answered with more than {_LARGEST_BODY // 1024} KiB; see that it is a core")
    if response.length:
        raise IncompleteRead(body, response.length)
    return Answer(response.status, response.headers, body)


def _connection(origin: Origin, context: ssl.SSLContext, timeout: float) -> HTTPConnection:
    if origin.scheme == "https":
        return HTTPSConnection(origin.host, origin.port, context=context, timeout=timeout)
    return HTTPConnection(origin.host, origin.port, timeout=timeout)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unreachable(origin: Origin, error: OSError | HTTPException | UnicodeError) -> CoreError:
    match error:
        case IncompleteRead():
            return Unreachable(f"{origin} ended its answer too early; try again")
        case ssl.SSLError() if not isinstance(error, ssl.SSLEOFError):
            what = f"{origin} does not speak TLS as pkid does ({error.reason})"
            return Unreachable(f"{what}; see that the scheme and the port are the core's", transient=False)
        case OSError():
            why = error.strerror or type(error).__name__
            return Unreachable(f"{origin} cannot be reached ({why}); see that the core is running there")
        case UnicodeError():
            return Unreachable(f"{origin} has no name that can be looked up; correct the address", transient=False)
    return BadAnswer(f"{origin} does not answer in HTTP/1.1 ({type(error).__name__}); see that it is a core")


class _Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, timeout: timedelta) -> None:
        self._end = monotonic() + timeout.total_seconds()

    def remaining(self) -> float:
        """Return the seconds that are left, never none.

        :raises TimeoutError: when time is up.
        """
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Reader(io.RawIOBase):
    """Reads a socket until a deadline: a socket's own timeout starts anew with each piece."""

    def __init__(self, raw: Any, sock: socket.socket, deadline: _Deadline) -> None:
        self._raw = raw
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._deadline.remaining())
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        self._raw.close()
        super().close()


def _response(deadline: _Deadline, sock: socket.socket, *arguments: Any, **options: Any) -> HTTPResponse:
    response = HTTPResponse(sock, *arguments, **options)
    response.fp = io.BufferedReader(_Reader(response.fp.detach(), sock, deadline))
    return response


_NO_ORIGIN = "{!r} is not the address of a core; write it as https://HOST:PORT"
