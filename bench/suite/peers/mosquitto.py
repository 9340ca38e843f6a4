"""Mosquitto: TLS 1.3, a password, and an access list that covers the topics."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.brokers import Broker
from bench.suite.dialects.mqtt import Mqtt
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.environment import program
from bench.suite.processes import free_port, serving

__all__ = ["install", "running_mosquitto"]

_CONFIGURATION = """
listener {port} 127.0.0.1
certfile {certificate}
keyfile {certificate}
tls_version tlsv1.3
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/rights
max_queued_messages 0
set_tcp_nodelay true
log_type none
user root
"""


def install() -> tuple[str, str]:
    """Return the program and the one that writes its passwords, which are installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return program("mosquitto", "mosquitto"), program("mosquitto_passwd", "mosquitto")


@contextmanager
def running_mosquitto() -> Iterator[Broker[Mqtt]]:
    """Run Mosquitto.

    :raises Skipped: when it is not to be had.
    """
    command, passwords = install()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        subprocess.run([passwords, "-c", "-b", f"{name}/passwords", Mqtt.user, Mqtt.password], check=True)
        (folder / "rights").write_text(f"user {Mqtt.user}\ntopic readwrite bench/#\n")
        text = _CONFIGURATION.format(folder=folder, port=port, certificate=write_server_certificate(folder))
        (folder / "mosquitto.conf").write_text(text)
        with serving([command, "-c", str(folder / "mosquitto.conf")], port) as pid:
            yield Broker(Mqtt(port), (pid,))
