"""cfssl: the server of the ``sign`` endpoint, with its certificates in SQLite or nowhere; it asks for no proof."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.suite.load import Target, request
from bench.suite.peers.certificates import write_authority, write_server_certificate
from bench.suite.peers.environment import program
from bench.suite.processes import free_port, serving
from pkid.ca.keys import KeyType

__all__ = ["install", "running_cfssl", "sign_request"]

_TABLE = """
CREATE TABLE certificates (
  serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL,
  reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
  PRIMARY KEY (serial_number, authority_key_identifier))
"""
_USAGES = {"usages": ["signing", "key encipherment", "server auth", "client auth"], "expiry": "8760h"}


def install() -> str:
    """Return the program, which is installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return program("cfssl", "golang-cfssl")


@contextmanager
def running_cfssl(kind: KeyType, *, stored: bool) -> Iterator[Target]:
    """Run cfssl with a CA of this kind.

    Stored certificates are asked for over one connection: with more, its database answers fewer.

    :raises Skipped: when it is not to be had.
    """
    command = install()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        certificate, key = write_authority(folder, kind)
        server = write_server_certificate(folder)
        (folder / "config.json").write_text(json.dumps({"signing": {"default": _USAGES}}))
        arguments = ["-ca", str(certificate), "-ca-key", str(key), "-config", str(folder / "config.json")]
        arguments += ["-address", "127.0.0.1", "-port", str(port), "-tls-cert", str(server), "-tls-key", str(server)]
        arguments += ["-loglevel", "5", *(_with_database(folder) if stored else ())]
        with serving([command, "serve", *arguments], port, cwd=folder) as pid:
            yield Target(port, pid, 1 if stored else 16)


def sign_request(body: bytes) -> bytes:
    """Write the request to sign *body*."""
    return request("POST", "/api/v1/cfssl/sign", json.dumps({"certificate_request": body.decode()}).encode())


def _with_database(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "certs.db") as database:
        database.execute(_TABLE)
    database.close()
    (folder / "db.json").write_text(json.dumps({"driver": "sqlite3", "data_source": str(folder / "certs.db")}))
    return ["-db-config", str(folder / "db.json")]
