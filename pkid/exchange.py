"""One HTTP exchange with the core, blocking, with a limit to everything.

Knows sockets, TLS and HTTP/1.1; must not know what is asked or what the answer means, and never tries twice.
Redirects and proxies are not followed.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from time import monotonic
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import Answer, BadAnswer, CoreError
from pkid.ca.trust import TrustError
from pkid.origin import Origin

__all__ = [
    "OtherName",
    "Request",
    "Response",
    "Unreachable",
    "UntrustedServer",
    "exchange",
    "opened",
    "unverified_context",
    "verified_context",
]

_LARGEST_BODY = 64 * 1024  # bytes
_PIECE = 64 * 1024  # bytes
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL


class Unreachable(CoreError):
    """The core could not be reached, or the connection broke.

    :ivar transient: whether it may work when it is tried again.
    """

    def __init__(self, message: str, *, transient: bool = True) -> None:
        self.transient = transient
        super().__init__(message)


class UntrustedServer(TrustError):
    """The server's certificate is not from the trusted CA, not for this host, or not valid now."""


class OtherName(UntrustedServer):
    """The server's certificate is from the trusted CA, and not for this host."""

    def __init__(self, host: object) -> None:
        super().__init__(
            f"{host} is not to be trusted (its certificate is not for this name); use a name that is in the"
            " certificate, or have this one added: a core's --host-dns-names and --host-ip-addresses do that"
        )


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


def verified_context(*authorities: x509.Certificate) -> ssl.SSLContext:
    """Return a TLS context that trusts these CA certificates and no other, and checks the host's name.

    One may be an intermediate's certificate: trust ends there.
    """
    context = _context()
    for authority in authorities:
        context.load_verify_locations(cadata=authority.public_bytes(Encoding.PEM).decode("ascii"))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@contextmanager
def opened(origin: Origin, request: Request, context: ssl.SSLContext, timeout: timedelta) -> Iterator[Response]:
    """Send a request, and yield the answer once its head is there; the connection ends with the block.

    :param timeout: for all of it until then; only looking up the name is not counted.
    :raises Unreachable: when there is no connection, or it breaks, or time is up.
    :raises UntrustedServer: when the context does not trust the server.
    :raises BadAnswer: when the answer is no HTTP.
    """
    deadline = _Deadline(timeout)
    connection = _connection(origin, context, timeout.total_seconds())
    connection.response_class = partial(_response, deadline)  # type: ignore[assignment]
    try:
        with _explained(origin, timeout):
            connection.connect()
            connection.sock.settimeout(deadline.remaining())
            connection.request(request.method, request.path, request.body or None, dict(request.headers))
            response = connection.getresponse()
        yield Response(origin, response, deadline)
    finally:
        connection.close()


def exchange(origin: Origin, request: Request, context: ssl.SSLContext, timeout: timedelta) -> Answer:
    """Send a request and read the whole answer.

    :param timeout: for all of it, however slowly the answer drips; only looking up the name is not counted.
    :raises Unreachable: when there is no connection, or it breaks, or time is up.
    :raises UntrustedServer: when the context does not trust the server.
    :raises BadAnswer: when the answer is no HTTP, or larger than 64 KiB.
    """
    with opened(origin, request, context, timeout) as response:
        return response.whole()


class Response:
    """An answer of which the head is there, and the body is still to come.

    :ivar status: the HTTP status.
    :ivar headers: its headers.
    """

    def __init__(self, origin: Origin, response: HTTPResponse, deadline: _Deadline) -> None:
        self.status = response.status
        self.headers = response.headers
        self._origin = origin
        self._response = response
        self._deadline = deadline

    def read(self) -> bytes:
        """Return the next piece of the body, 64 KiB at most, and nothing at its end; each has the whole time-out anew.

        :raises Unreachable: when it ends too early, or time is up.
        """
        self._deadline.renew()
        with _explained(self._origin, self._deadline.timeout):
            piece = self._response.read1(_PIECE)
            if not piece and self._response.length:
                raise IncompleteRead(piece, self._response.length)
        return piece

    def whole(self, largest: int = _LARGEST_BODY) -> Answer:
        """Read what is left of the time-out and all of the body.

        :param largest: bytes that it may have.
        :raises Unreachable: when it ends too early, or time is up.
        :raises BadAnswer: when it is larger.
        """
        with _explained(self._origin, self._deadline.timeout):
            body = self._response.read(largest + 1)
            if len(body) <= largest and self._response.length:
                raise IncompleteRead(body, self._response.length)
        if len(body) > largest:
            raise BadAnswer(f"{self._origin} answered with more than {largest // 1024} KiB; see that it is a core")
        return Answer(self.status, self.headers, body)


@contextmanager
def _explained(origin: Origin, timeout: timedelta) -> Iterator[None]:
    """Raise what goes wrong on the connection as an error for people."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in _OTHER_NAME:
            raise OtherName(origin) from None
        raise UntrustedServer(
            f"{origin} is not to be trusted ({error.verify_message}); see that the CA certificate is the core's"
        ) from None
    except TimeoutError:
        raise Unreachable(f"{origin} did not answer within {timeout.total_seconds():g} seconds; try again") from None
    except (OSError, HTTPException, UnicodeError) as error:
        raise _unreachable(origin, error) from None


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
        self.timeout = timeout
        self.renew()

    def renew(self) -> None:
        """Begin anew."""
        self._end = monotonic() + self.timeout.total_seconds()

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
