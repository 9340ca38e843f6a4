"""The kind of setting that says where to listen; as in :mod:`pkid.settings.kinds`, but it asks Twisted."""

from __future__ import annotations

import re

from twisted.internet.endpoints import serverFromString

from pkid.settings.kinds import text

__all__ = ["OFF", "endpoint", "endpoint_or_off"]

OFF = "off"
"""Instead of an endpoint: nothing listens."""

_PORT = re.compile(r"(?:^|:)(?:tcp6?:|port=)(-?[0-9]{1,9})(?=:|$)")


def endpoint(value: object) -> str:
    """Read a server endpoint string.

    An endpoint that brings TLS of its own is refused: the door's certificate is the authority's business.
    """
    written = text(value)
    if written == OFF:
        raise ValueError("cannot be off, because there is no other door to serve")
    if written.startswith("stdio"):
        raise ValueError("must be something to listen at, which standard input is not")
    if written.startswith(("ssl:", "tls:")):
        raise ValueError(f"must be without TLS, which the door adds by itself; write tcp:PORT, not {written!r}")
    _try_endpoint(written)
    return written


def endpoint_or_off(value: object) -> str:
    """Read a server endpoint string, or ``off``."""
    return OFF if value == OFF else endpoint(value)


def _try_endpoint(written: str) -> None:
    """Let Twisted parse an endpoint string; nothing is bound, so no reactor is needed."""
    hint = "; write each colon of an address as \\:" if "::" in written else ""
    example = "tcp:8900, tcp:8900:interface=127.0.0.1 or unix:/run/pkid/https"
    try:
        serverFromString(None, written)
    except LookupError:
        raise ValueError(f"names a socket that systemd did not pass on: {written!r}") from None
    except (RuntimeError, TypeError, ValueError):  # what the parsers of Twisted raise, by kind of mistake
        raise ValueError(f"must be an endpoint such as {example}, not {written!r}{hint}") from None
    port = _PORT.search(written)
    if port and not 0 <= int(port[1]) <= 65535:
        raise ValueError(f"must have a port of 0 to 65535, not {written!r}")
