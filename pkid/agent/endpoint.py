r"""The endpoint string ``pkid:``, for programs that have never heard of pkid.

``pkid:8443:core=https\://core\:8900:name=web.example`` is what ``tcp:8443`` is, with TLS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint

from pkid.agent.certificate import CertificateService
from pkid.agent.core import Core
from pkid.agent.environment import find_psk
from pkid.agent.runtime import Runtime
from pkid.agent.server import ClientAuthentication, ServerEndpoint
from pkid.agent.storage import DirectoryStorage, MemoryStorage, Storage
from pkid.ca.enrollment import Subject
from pkid.errors import Refused

__all__ = ["parse_server"]

_OPTIONS = ("core", "name", "dns", "ip", "interface", "state", "ca-fingerprint", "client-auth")


def parse_server(reactor: Any, *arguments: str, **given: str) -> ServerEndpoint:
    """Make an endpoint from the parts of its string, and the pre-shared key that the environment tells.

    :raises ValueError: when a part cannot be used.
    :raises StateError: when there is no pre-shared key.
    """
    return make_server(reactor, arguments, given, os.environ)


def make_server(
    reactor: Any, arguments: tuple[str, ...], given: Mapping[str, str], environ: Mapping[str, str]
) -> ServerEndpoint:
    """Make an endpoint from the parts of its string."""
    for option in given:
        if option not in _OPTIONS:
            raise ValueError(f"pkid: has no option {option!r}; it has {', '.join(_OPTIONS)}")
    port = _port(arguments)
    core, name = _required(given, "core"), _required(given, "name")
    storage: Storage = DirectoryStorage(Path(given["state"]).absolute()) if given.get("state") else MemoryStorage()
    view = Core(core, find_psk(environ), storage, Runtime.of(reactor), given.get("ca-fingerprint"))
    service = CertificateService(view, _subject(name, given), storage)
    endpoint = TCP4ServerEndpoint(reactor, port, interface=given.get("interface", ""))
    return ServerEndpoint(service, endpoint, _client_authentication(given.get("client-auth", "none")))


def _required(given: Mapping[str, str], option: str) -> str:
    if not given.get(option):
        raise ValueError(rf"pkid: needs {option}=, as in pkid:8443:core=https\://core.example\:8900:name=web.example")
    return given[option]


def _port(arguments: tuple[str, ...]) -> int:
    if len(arguments) != 1 or not arguments[0].isascii() or not arguments[0].isdigit() or int(arguments[0]) > 65535:
        raise ValueError(rf"pkid: needs one port; a colon in a value is written as \:, not {':'.join(arguments)!r}")
    return int(arguments[0])


def _subject(name: str, given: Mapping[str, str]) -> Subject:
    try:
        return Subject.of(name, _several(given.get("dns", "")), _several(given.get("ip", "")))
    except Refused as error:
        raise ValueError(f"pkid: {error}") from None


def _several(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


def _client_authentication(word: str) -> ClientAuthentication:
    try:
        return ClientAuthentication(word)
    except ValueError:
        raise ValueError(f"pkid: has client-auth=none, optional or required, not {word!r}") from None
