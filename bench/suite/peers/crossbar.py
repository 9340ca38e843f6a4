"""Crossbar: a router with one worker, RawSocket over TLS, tickets, and a permission that covers the topics."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.suite.brokers import Broker
from bench.suite.dialects.wamp import Wamp
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.environment import python_with
from bench.suite.processes import and_children, free_port, serving

__all__ = ["install", "running_crossbar"]

_ROLE = {
    "name": "component",
    "permissions": [
        {
            "uri": "bench.",
            "match": "prefix",
            "allow": dict.fromkeys(("call", "register", "publish", "subscribe"), True),
        }
    ],
}
_USERS = {"type": "static", "principals": {Wamp.user: {"ticket": Wamp.secret, "role": "component"}}}


def install() -> Path:
    """Return the program, which is installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return Path(python_with("crossbar")).with_name("crossbar")


@contextmanager
def running_crossbar() -> Iterator[Broker[Wamp]]:
    """Run Crossbar.

    :raises Skipped: when it is not to be had.
    """
    command = install()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        certificate = write_server_certificate(folder)
        (folder / "config.json").write_text(json.dumps(_configuration(port, certificate)))
        with serving([str(command), "start", "--cbdir", name], port) as pid:
            yield Broker(Wamp(port), and_children(pid))


def _configuration(port: int, certificate: Path) -> dict[str, Any]:
    listener = {"type": "tcp", "interface": "127.0.0.1", "port": port, "backlog": 1024}
    listener["tls"] = {"key": str(certificate), "certificate": str(certificate)}
    transport = {"type": "rawsocket", "serializers": ["cbor"], "endpoint": listener, "auth": {"ticket": _USERS}}
    realm = {"name": Wamp.realm, "roles": [_ROLE]}
    return {"version": 2, "workers": [{"type": "router", "realms": [realm], "transports": [transport]}]}
