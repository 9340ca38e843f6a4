r"""The endpoint string ``pkid:`` of the connecting side: ``pkid:core.example:8910:ca-cert=FILE``.

It leads to a host that must prove its name by a certificate from one CA: that in the file, or that of a core, for whose
CA certificate the pre-shared key in the environment vouches (``core=https\://core.example\:8900``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pkid.agent.core import Core
from pkid.agent.environment import find_psk
from pkid.agent.runtime import Runtime
from pkid.agent.storage import DirectoryStorage, MemoryStorage, Storage
from pkid.ca.pem import read_certificates
from pkid.errors import about
from pkid.files import read_regular
from pkid.line.client.endpoint import DEFAULT_PORT, TrustingEndpoint

__all__ = ["parse_client"]

_OPTIONS = ("ca-cert", "core", "state")
_EXAMPLE = r"as in pkid:core.example:8910:ca-cert=ca.crt, or with core=https\://core.example\:8900"


def parse_client(reactor: Any, *arguments: str, **given: str) -> TrustingEndpoint:
    """Make an endpoint from the parts of its string.

    :param given: ``ca-cert``, a file that begins with the CA certificate; or ``core``, the URL of a core, and with it
        ``state``, the directory that keeps its CA certificate.
    :raises ValueError: when they do not fit.
    :raises StateError: when a file cannot be used, or there is no pre-shared key.
    """
    return _parse(reactor, os.environ, arguments, given)


def _parse(
    reactor: Any, environ: Mapping[str, str], arguments: tuple[str, ...], given: Mapping[str, str]
) -> TrustingEndpoint:
    unknown = [option for option in given if option not in _OPTIONS]
    if unknown:
        raise ValueError(f"pkid: has no option {unknown[0]!r} for a client; it has {', '.join(_OPTIONS)}")
    host, port = _place(arguments)
    runtime = Runtime.of(reactor)
    match given:
        case {"ca-cert": file, **others} if not others:
            with about(Path(file)):
                authority = read_certificates(read_regular(Path(file)))[0]
            return TrustingEndpoint.pinned(runtime, host, port, authority)
        case {"core": url, **others} if others.keys() <= {"state"}:
            storage: Storage = DirectoryStorage(Path(others["state"]).absolute()) if others else MemoryStorage()
            core = Core(url, find_psk(environ), storage, runtime)
            core.load()
            return TrustingEndpoint(runtime, host, port, core.authority)
    raise ValueError(f"pkid: needs to know which CA to trust, {_EXAMPLE}")


def _place(arguments: tuple[str, ...]) -> tuple[str, int]:
    match arguments:
        case [str(host)] if host:
            return host, DEFAULT_PORT
        case [str(host), str(port)] if host and port.isascii() and port.isdigit() and 0 < int(port) <= 65535:
            return host, int(port)
    raise ValueError(rf"pkid: needs a host and a port, {_EXAMPLE}; a colon in a value is written as \:")
