"""OpenBao: its PKI engine on raft storage on the disk, certificates stored."""

from __future__ import annotations

import json
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from bench.suite.load import Target, request
from bench.suite.measurement import Skipped
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.environment import peers_python
from bench.suite.processes import free_port, serving
from pkid.ca.keys import KeyType

__all__ = ["OpenBao", "install", "running_openbao"]

_CONFIGURATION = """
storage "raft" {{ path = "{folder}/raft" node_id = "one" }}
listener "tcp" {{ address = "127.0.0.1:{port}" tls_cert_file = "{certificate}" tls_key_file = "{certificate}" }}
api_addr = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster_port}"
disable_mlock = true
"""
_KEYS = {KeyType.P256: {"key_type": "ec", "key_bits": 256}, KeyType.RSA2048: {"key_type": "rsa", "key_bits": 2048}}


class OpenBao:
    """A running OpenBao with a CA.

    :ivar target: where it listens.
    """

    def __init__(self, port: int, pid: int) -> None:
        self.target = Target(port, pid)
        self._token = ""
        self._context = ssl.create_default_context()
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE

    def set_up(self, kind: KeyType) -> None:
        """Unseal it, and make a CA and a role that signs every name."""
        keys = self._call("PUT", "sys/init", secret_shares=1, secret_threshold=1)
        self._token = keys["root_token"]
        self._call("PUT", "sys/unseal", key=keys["keys"][0])
        self._wait_until_active()
        self._call("POST", "sys/mounts/pki", type="pki", config={"max_lease_ttl": "87600h"})
        self._call("POST", "pki/root/generate/internal", common_name="Root CA", ttl="87600h", **_KEYS[kind])
        self._call(
            "POST", "pki/roles/any", allow_any_name=True, enforce_hostnames=False, key_type="any", no_store=False
        )

    def sign_request(self, body: bytes) -> bytes:
        """Write the request to sign *body*."""
        asked = {"csr": body.decode(), "common_name": "c.example", "ttl": "8760h"}
        return request("POST", "/v1/pki/sign/any", json.dumps(asked).encode(), X_Vault_Token=self._token)

    def _wait_until_active(self) -> None:
        """Wait until the one node has elected itself."""
        for _ in range(300):
            with suppress(HTTPError):
                self._call("GET", "sys/health")
                return
            time.sleep(0.1)
        raise Skipped("OpenBao did not become active")

    def _call(self, method: str, path: str, **values: Any) -> dict[str, Any]:
        url = f"https://127.0.0.1:{self.target.port}/v1/{path}"
        asked = urllib.request.Request(url, json.dumps(values).encode(), {"X-Vault-Token": self._token}, method=method)
        with urllib.request.urlopen(asked, context=self._context, timeout=60) as answer:
            text = answer.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found


def install() -> Path:
    """Return the program, which is installed first if that is possible.

    :raises Skipped: when it is not to be had.
    """
    return Path(peers_python()).with_name("bao")


@contextmanager
def running_openbao(kind: KeyType) -> Iterator[OpenBao]:
    """Run OpenBao with a CA of this kind.

    :raises Skipped: when it is not to be had.
    """
    command = install()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        (folder / "raft").mkdir()
        text = _CONFIGURATION.format(
            folder=folder, port=port, cluster_port=free_port(), certificate=write_server_certificate(folder)
        )
        (folder / "bao.hcl").write_text(text)
        with serving([str(command), "server", f"-config={folder / 'bao.hcl'}"], port) as pid:
            peer = OpenBao(port, pid)
            peer.set_up(kind)
            yield peer
