"""nats-server: TLS 1.3, a password, and permissions that cover the subjects; it uses all processors."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.brokers import Broker
from bench.suite.dialects.nats import Nats
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.environment import program
from bench.suite.processes import free_port, serving

__all__ = ["install", "running_nats"]

_PATIENCE = 30  # seconds; by default it hangs up after 2, and a busy machine may need longer for 100 handshakes
_SUBJECTS = ["bench.>", "_INBOX.>"]
_USER = {"user": Nats.user, "password": Nats.password, "permissions": {"publish": _SUBJECTS, "subscribe": _SUBJECTS}}


def install() -> str:
    """Return the program, which is installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return program("nats-server", "nats-server")


@contextmanager
def running_nats() -> Iterator[Broker[Nats]]:
    """Run nats-server.

    :raises Skipped: when it is not to be had.
    """
    command = install()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        certificate = str(write_server_certificate(folder))
        settings = {
            "listen": f"127.0.0.1:{port}",
            "tls": {"cert_file": certificate, "key_file": certificate, "timeout": _PATIENCE},
            "authorization": {"users": [_USER], "timeout": _PATIENCE},
            "max_payload": 1 << 21,
        }
        (folder / "nats.conf").write_text(json.dumps(settings))
        with serving([command, "-c", str(folder / "nats.conf")], port) as pid:
            yield Broker(Nats(port), (pid,))
