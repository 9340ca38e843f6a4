"""The threshold of the HTTPS door: no web page may drive a core, and every answer says what protection is off.

A browser sends requests for pages of strangers. It says so in ``Origin`` (RFC 6454) and ``Sec-Fetch-Site`` (Fetch
Metadata), except when the stranger's host name was made to point here (DNS rebinding): then ``Host`` is that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from twisted.web.http_headers import Headers

from pkid.audit import Strangers
from pkid.errors import Reason, Refused
from pkid.web.request import BoundedRequest

__all__ = ["NOTICE_HEADER", "Threshold", "check_host", "check_origin"]

NOTICE_HEADER = "PKID-Warning"
"""The header that says what is off, one for each thing."""

_OF_BROWSERS = frozenset({b"Origin", b"Sec-Fetch-Site"})
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
_NOT_OF_HOSTS = frozenset("/?#@\\")
_LONGEST_SHOWN = 100  # characters of a name that an answer repeats


class Threshold:
    """What every request passes before any page.

    :param notices: what every answer says is off.
    :param is_own_name: tells whether the core goes by a host name; ``None`` where a credential is asked for, because
        then no page of a stranger has one.
    :param strangers: takes note of who is not let over it.
    """

    def __init__(
        self,
        notices: Iterable[str] = (),
        is_own_name: Callable[[str], bool] | None = None,
        strangers: Strangers | None = None,
    ) -> None:
        self.notices = tuple(notices)
        self._is_own_name = is_own_name
        self._strangers = strangers

    def pass_over(self, request: BoundedRequest) -> None:
        """Let a request in, and write the notices into its answer.

        :raises Refused: when a web page of another origin may have sent it.
        """
        for notice in self.notices:
            request.responseHeaders.addRawHeader(NOTICE_HEADER.encode("ascii"), notice.encode("ascii"))
        try:
            if not _OF_BROWSERS.isdisjoint(request.sent):
                check_origin(request.requestHeaders)
            if self._is_own_name is not None:
                check_host(request.requestHeaders, self._is_own_name)
        except Refused as error:
            if self._strangers is not None:
                self._strangers.denied(request.peer, error.reason.code)
            raise


def check_origin(headers: Headers) -> None:
    """Refuse what a browser says that a page of another origin sent; others say nothing of this.

    :raises Refused: ``cross-origin``.
    """
    sites = {value.decode("latin-1").strip().lower() for value in headers.getRawHeaders(b"Sec-Fetch-Site", ())}
    if sites & _FOREIGN_SITES or not _is_of(headers.getRawHeaders(b"Origin", ()), headers):
        raise Refused(Reason.CROSS_ORIGIN)


def check_host(headers: Headers, is_own_name: Callable[[str], bool]) -> None:
    """Refuse a request to a host name that is not the core's; an address cannot be made to point elsewhere.

    :raises Refused: ``wrong-host``.
    """
    host, _ = _authority(_only(headers, b"Host")) or ("", "")
    if not host or not (_is_address(host) or is_own_name(host.rstrip("."))):
        raise Refused(Reason.WRONG_HOST, repr(host[:_LONGEST_SHOWN]))


def _is_of(origins: Sequence[bytes], headers: Headers) -> bool:
    """Tell whether all of these origins, which are mostly none, are where the request went."""
    if not origins:
        return True
    host = _authority(_only(headers, b"Host"))
    return host is not None and all(_origin(origin.decode("latin-1")) == host for origin in origins)


def _only(headers: Headers, name: bytes) -> str:
    values = headers.getRawHeaders(name, [])
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _authority(text: str, usual_ports: Iterable[str] = ("80", "443")) -> tuple[str, str] | None:
    """Split ``HOST[:PORT]`` (RFC 3986, 3.2) into host and port; a port that is usual counts as none."""
    if _NOT_OF_HOSTS.intersection(text):
        return None
    try:
        parts = urlsplit(f"//{text.strip()}")
        host, port = parts.hostname, str(parts.port or "")
    except ValueError:
        return None
    return None if host is None else (host, "" if port in usual_ports else port)


def _origin(text: str) -> tuple[str, str] | None:
    scheme, _, authority = text.partition("://")
    usual_port = {"http": "80", "https": "443"}.get(scheme.strip().lower())
    return None if usual_port is None else _authority(authority, [usual_port])


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
