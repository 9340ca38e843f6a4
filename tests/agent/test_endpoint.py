"""The endpoint string: each part is read, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.testing import MemoryReactorClock

from pkid.agent import ClientAuthentication, DirectoryStorage, MemoryStorage, ServerEndpoint
from pkid.agent.endpoint import make_server
from pkid.errors import StateError
from tests.support import Case

CORE = r"core=https\://core.example\:8900"
SECRET = "a good pre-shared key, 1"


class EndpointCase(Case):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()

    def read(self, string: str, **environ: str) -> ServerEndpoint:
        """Read a string as every Twisted program does, with the plug-in."""
        with patch.dict("os.environ", environ or {"PKID_PSK": SECRET}, clear=True):
            endpoint = serverFromString(self.reactor, string)
        assert isinstance(endpoint, ServerEndpoint)
        return endpoint


class ReadTests(EndpointCase):
    def test_core_and_name_are_enough(self) -> None:
        endpoint = self.read(f"pkid:8443:{CORE}:name=web.example")
        service = endpoint.service
        self.assertEqual(str(service.core.origin), "https://core.example:8900")
        self.assertEqual(service.subject.common_name, "web.example")
        self.assertEqual(service.subject.names.dns, ("web.example",))
        self.assertIsInstance(service._storage, MemoryStorage)
        self.assertIs(endpoint.client_authentication, ClientAuthentication.NONE)
        self.assertEqual(self.listening(endpoint), (8443, ""))

    def listening(self, endpoint: ServerEndpoint) -> tuple[int, str]:
        tcp: Any = endpoint.endpoint
        self.assertIsInstance(tcp, TCP4ServerEndpoint)
        return tcp._port, tcp._interface

    def test_everything_else_may_be_given(self) -> None:
        digest = "ab" * 32
        endpoint = self.read(
            rf"pkid:0:{CORE}:name=web 1:dns=web.example,localhost:ip=192.0.2.7,\:\:1:interface=\:\:1:state=here"
            rf":ca-fingerprint={digest}:client-auth=required"
        )
        names = endpoint.service.subject.names
        self.assertEqual(
            (names.dns, [str(ip) for ip in names.ip]), (("web.example", "localhost"), ["192.0.2.7", "::1"])
        )
        self.assertEqual(self.listening(endpoint), (0, "::1"))
        self.assertIs(endpoint.client_authentication, ClientAuthentication.REQUIRED)
        self.assertIsInstance(endpoint.service._storage, DirectoryStorage)
        self.assertEqual(endpoint.service._storage.place, str(Path("here/ca.crt").absolute()))
        self.assertEqual(endpoint.service.core._fingerprint, digest.upper().replace("AB", ":AB")[1:])

    def test_nothing_is_done_before_it_listens(self) -> None:
        endpoint = self.read(f"pkid:8443:{CORE}:name=web.example:state=here")
        self.assertEqual((self.reactor.tcpServers, self.reactor.getDelayedCalls()), ([], []))
        self.assertFalse(endpoint.service.running or Path("here").exists())

    def test_what_cannot_be_used_is_refused_with_the_remedy(self) -> None:
        for parts, why in (
            ("8443:name=web.example", "needs core="),
            (f"8443:{CORE}", "needs name="),
            (f"{CORE}:name=web.example", "needs one port"),
            (f"99999:{CORE}:name=web.example", "needs one port"),
            (f"-1:{CORE}:name=web.example", "needs one port"),
            ("8443:core=https://core.example:8900:name=web.example", "a colon in a value"),
            ("8443:core=core.example:name=web.example", "is not the address of a core"),
            (f"8443:{CORE}:name=web 1", "names no host"),
            (f"8443:{CORE}:name=web:dns=a b", "'a b' is not acceptable"),
            (f"8443:{CORE}:name=web:ip=192.0.2.0/24", "is not acceptable"),
            (f"8443:{CORE}:name=web:client-auth=yes", "none, optional or required, not 'yes'"),
            (f"8443:{CORE}:name=web:ca-fingerprint=AB", "64 hex digits"),
            (f"8443:{CORE}:name=web:psk=secret", "has no option 'psk'"),
        ):
            with self.assertRaisesRegex(ValueError, why):
                self.read(f"pkid:{parts}")

    def test_without_a_key_it_is_refused(self) -> None:
        with self.assertRaisesRegex(StateError, "PKID_PSK is not set"):
            self.read(f"pkid:8443:{CORE}:name=web.example", PATH="")

    def test_shows_no_key(self) -> None:
        endpoint = make_server(self.reactor, ("1",), {"core": "https://c", "name": "web"}, {"PKID_PSK": SECRET})
        self.assertNotIn(SECRET, f"{endpoint!r} {vars(endpoint)!r} {vars(endpoint.service)!r}")
