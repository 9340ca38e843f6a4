"""The address of a core, as people and settings write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Origin"]

_PREFIX = re.compile(r"(?:/psk/[A-Za-z0-9][A-Za-z0-9._-]{0,63})?")
_NO_ORIGIN = "{!r} is not the address of a core; write it as https://HOST:PORT"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a core is: scheme, host and port (RFC 6454, section 4), and which pre-shared key its paths select."""

    scheme: str
    host: str
    port: int
    prefix: str = ""
    """``/psk/NAME``, or nothing."""

    @classmethod
    def of(cls, uri: str) -> Self:
        """Read ``https://HOST:PORT`` or ``http://HOST:PORT``; the ports of the schemes are the defaults.

        ``/psk/NAME`` may stand behind it.

        :raises ValueError: when it is anything else.
        """
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(_NO_ORIGIN.format(uri)) from None
        prefix = parts.path.removesuffix("/")
        plain = _PREFIX.fullmatch(prefix) and "@" not in parts.netloc and not parts.query and not parts.fragment
        if parts.scheme not in {"http", "https"} or not plain or not host.isprintable() or not host or " " in host:
            raise ValueError(_NO_ORIGIN.format(uri))
        return cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), prefix)

    @property
    def address(self) -> str:
        """All of it as :meth:`of` reads it."""
        return f"{self}{self.prefix}"

    def at(self, path: str) -> str:
        """Return what to ask for to get the page at a path."""
        return self.prefix + path

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"
