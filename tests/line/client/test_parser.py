"""The endpoint string ``pkid:`` of the connecting side: read with the plug-in, and to a real door."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.endpoints import clientFromString
from twisted.internet.testing import MemoryReactorClock

from pkid.ca.issuer import Issuer
from pkid.ca.pem import write_certificates
from pkid.ca.trust import TrustError
from pkid.errors import StateError
from pkid.line.client.client import Client
from pkid.line.client.endpoint import TrustingEndpoint
from tests.certificates import PSK, root
from tests.line.doors import Door, DoorCase, authority, reactor, runtime
from tests.support import Case

CORE = r"core=https\://core.example\:8900"


def ca_file(directory: str, issuer: Issuer) -> Path:
    """Write an authority's certificate to a file of a new directory."""
    path = Path(directory) / "ca.crt"
    path.parent.mkdir(parents=True)
    path.write_bytes(write_certificates([issuer.certificate]))
    return path


class ParserTests(Case):
    def parse(self, string: str, **environ: str) -> TrustingEndpoint:
        """Read a string as every Twisted program does, with the plug-in."""
        with patch.dict("os.environ", environ, clear=True):
            endpoint = clientFromString(MemoryReactorClock(), string)
        assert isinstance(endpoint, TrustingEndpoint)
        return endpoint

    def test_host_and_port_are_read_and_the_port_has_a_default(self) -> None:
        file = ca_file(self.mktemp(), root())
        for place, meant in (("core.example", "core.example:8910"), (r"\:\:1:8443", "::1:8443")):
            self.assertIn(meant, repr(self.parse(f"pkid:{place}:ca-cert={file}")))

    def test_the_ca_is_that_of_a_core_for_which_the_pre_shared_key_vouches(self) -> None:
        key = {"PKID_PSK": PSK.secret}
        self.parse(f"pkid:core.example:8910:{CORE}", **key)
        self.parse(f"pkid:core.example:8910:{CORE}:state={self.mktemp()}", **key)
        with self.assertRaises(StateError):
            self.parse(f"pkid:core.example:8910:{CORE}")

    def test_what_does_not_fit_is_refused_in_a_sentence(self) -> None:
        file = ca_file(self.mktemp(), root())
        for string, said in (
            ("pkid:core.example:8910", "which CA to trust"),
            (f"pkid:core.example:8910:ca-cert={file}:{CORE}", "which CA to trust"),
            (f"pkid:core.example:8910:ca-cert={file}:state=here", "which CA to trust"),
            (f"pkid:core.example:8910:{CORE}:name=web", "no option 'name'"),
            (f"pkid::8910:ca-cert={file}", "a host and a port"),
            (f"pkid:core.example:0:ca-cert={file}", "a host and a port"),
            (f"pkid:core.example:99999:ca-cert={file}", "a host and a port"),
            (f"pkid:core.example:1:2:ca-cert={file}", "a host and a port"),
        ):
            with self.assertRaises(ValueError) as caught:
                self.parse(string)
            self.assertIn(said, str(caught.exception))

    def test_a_file_without_a_certificate_is_told(self) -> None:
        file = ca_file(self.mktemp(), root())
        file.write_bytes(b"nothing")
        with self.assertRaises(StateError) as caught:
            self.parse(f"pkid:core.example:ca-cert={file}")
        self.assertIn(str(file), str(caught.exception))


class ConnectionTests(DoorCase):
    async def connected(self, door: Door, issuer: Issuer) -> None:
        string = f"pkid:localhost:{door.port}:ca-cert={ca_file(self.mktemp(), issuer)}"
        endpoint: Any = clientFromString(reactor, string)
        client = Client(endpoint, runtime())
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected(tries=1)

    async def test_it_leads_to_a_core_of_that_ca_and_to_no_other(self) -> None:
        door = Door({})
        await door.open(self)
        await self.connected(door, authority())
        with self.assertRaises(TrustError):
            await self.connected(door, root())
