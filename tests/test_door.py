"""A door is open from start to stop, or there is one clear error."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor, tcp
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import EventLoggingObserver, MemoryReactorClock
from twisted.logger import globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import TestCase
from zope.interface.declarations import Provides

from pkid.door import Door, LateFactory
from pkid.eager import EagerServer, IServerTransport
from pkid.errors import StateError
from pkid.log import event_text
from pkid.tls import LiveContext
from pkid.tls_server import BufferingServerTLS, ServerTLS
from pkid.vestibule import Vestibule
from tests.support import Case


class Reactor(MemoryReactorClock):
    """Refuses to listen, with these error numbers in turn; 0 lets it."""

    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self.numbers = list(numbers)
        self.asked: list[str] = []
        self.backlogs: list[int] = []

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        self.asked.append(interface)
        self.backlogs.append(backlog)
        number = self.numbers.pop(0) if self.numbers else 0
        if number:
            raise CannotListenError(interface, port, OSError(number, os.strerror(number)))
        return super().listenTCP(port, factory, backlog, interface)


def door(endpoint: str, clock: Any, tls: Any = None) -> Door:
    return Door("https", endpoint, Factory.forProtocol(Protocol), tls, clock)


class LateFactoryTests(Case):
    def test_what_comes_before_there_is_something_behind_is_closed(self) -> None:
        late = LateFactory()
        self.assertIsNone(late.buildProtocol(None))
        late.behind = Factory.forProtocol(Protocol)
        self.assertIsInstance(late.buildProtocol(None), Protocol)


class MemoryTests(Case):
    def refused(self, endpoint: str, clock: Reactor) -> str:
        error = self.assertRaises(StateError, door(endpoint, clock).open)
        self.assertEqual(error.path, "the https door")
        return str(error)

    def test_all_addresses_are_one_socket(self) -> None:
        clock = Reactor()
        door("tcp:8900", clock).open()
        self.assertEqual((clock.asked, len(clock.tcpServers)), (["::"], 1))

    def test_a_fleet_that_comes_at_once_finds_room(self) -> None:
        for endpoint, expected in (("tcp:8900", 4096), ("tcp:8900:backlog=7", 7)):
            clock = Reactor()
            door(endpoint, clock).open()
            self.assertEqual(clock.backlogs, [expected])

    def test_a_host_without_ipv6_gets_ipv4(self) -> None:
        for number in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            clock = Reactor(number)
            door("tcp:8900", clock).open()
            self.assertEqual(clock.asked, ["::", ""])

    def test_a_port_in_use_is_not_tried_otherwise(self) -> None:
        clock = Reactor(errno.EADDRINUSE)
        message = self.refused("tcp:8900", clock)
        self.assertEqual(clock.asked, ["::"])
        for word in ("cannot listen on tcp:8900", "Address already in use", "stop what listens there", "--https"):
            self.assertIn(word, message)

    def test_the_error_is_that_of_the_last_way_out(self) -> None:
        clock = Reactor(errno.EAFNOSUPPORT, errno.EACCES)
        self.assertIn("Permission denied", self.refused("tcp:80", clock))

    def test_the_remedy_is_that_of_the_error(self) -> None:
        for number, remedy in (
            (errno.EACCES, "ports below 1024 need the right to them"),
            (errno.EMFILE, "(Too many open files); choose another endpoint with --https"),
        ):
            self.assertIn(remedy, self.refused("tcp:80", Reactor(number)))

    def test_one_interface_is_one_interface(self) -> None:
        for endpoint, interface in (
            ("tcp:0:interface=127.0.0.1", "127.0.0.1"),
            (r"tcp:0:interface=\:\:1", "::1"),
            ("tcp:port=0:backlog=9:interface=127.0.0.1", "127.0.0.1"),
        ):
            clock = Reactor()
            door(endpoint, clock).open()
            self.assertEqual(clock.asked, [interface])

    def test_it_is_opened_once(self) -> None:
        clock = Reactor()
        opened = door("tcp:8900", clock)
        opened.privilegedStartService()
        opened.startService()
        self.assertEqual(len(clock.tcpServers), 1)

    def test_stopping_what_was_never_open(self) -> None:
        self.assertIsNone(self.successResultOf(door("tcp:8900", Reactor()).stopService()))

    def test_tls_is_put_around_the_factory(self) -> None:
        plain, secure = Reactor(), Reactor()
        opened = door("tcp:8900", plain)
        opened.open()
        door("tcp:8900", secure, LiveContext()).open()
        self.assertIs(plain.tcpServers[0][1], opened._factory)
        vestibule = secure.tcpServers[0][1]
        assert isinstance(vestibule, Vestibule)
        self.assertIsInstance(vestibule.behind, TLSMemoryBIOFactory)

    def test_what_a_connection_gathers_itself_is_not_gathered_again_by_tls(self) -> None:
        for gathers, protocol in ((False, BufferingServerTLS), (True, ServerTLS)):
            clock: Any = Reactor()
            Door("line", "tcp:8910", Factory.forProtocol(Protocol), LiveContext(), clock, gathers=gathers).open()
            self.assertIs(clock.tcpServers[0][1].behind.protocol, protocol)


class SocketTests(TestCase):
    """With real sockets: what the kernel says."""

    def open(self, endpoint: str) -> Door:
        opened = door(endpoint, reactor)
        self.addCleanup(opened.stopService)
        opened.open()
        return opened

    def refused(self, endpoint: str) -> str:
        error = self.assertRaises(StateError, self.open, endpoint)
        assert isinstance(error, StateError)
        return str(error)

    def test_a_free_port_on_all_addresses(self) -> None:
        host, port = self.open("tcp:0").address.split()
        self.assertIn(host, ("::", "0.0.0.0"))
        with socket.create_connection(("127.0.0.1", int(port)), timeout=5):
            pass

    async def test_the_log_says_once_where_it_listens_and_that_it_is_closed(self) -> None:
        """Twisted's lines about its ports are left out."""
        events = EventLoggingObserver()
        globalLogPublisher.addObserver(events)
        self.addCleanup(globalLogPublisher.removeObserver, events)
        for endpoint, tls, expected in (
            ("tcp:0", LiveContext(), r"port \d+ of every (IPv4 )?address, with TLS"),
            ("tcp:0:interface=127.0.0.1", None, r"port \d+ of 127\.0\.0\.1, without TLS"),
            (f"unix:{tempfile.mktemp()}", None, r"/.+, without TLS"),
        ):
            before = len(events)
            factory = Factory.forProtocol(Protocol)
            factory.noisy = False
            opened = Door("https", endpoint, factory, tls, reactor)  # type: ignore[arg-type]
            opened.open()
            await opened.stopService()
            said = "".join(event_text(each) or "" for each in [*events][before:])
            self.assertRegex(said, rf"^.*\] the https door listens on {expected}\n.*\] the https door is closed\n$")

    def test_connections_send_at_once_if_they_or_tls_gather_because_others_write_in_pieces(self) -> None:
        cases = ((None, False, tcp.Server), (None, True, EagerServer), (LiveContext(), False, EagerServer))
        for tls, gathers, kind in cases:
            opened = Door("line", "tcp:0:interface=127.0.0.1", Factory(), tls, reactor, gathers=gathers)  # type: ignore[arg-type]
            self.addCleanup(opened.stopService)
            opened.open()
            port: Any = opened._port
            self.assertIs(port.transport, kind)
            made = socket.create_connection(port.socket.getsockname(), timeout=5)
            self.addCleanup(made.close)
            accepted, _ = port.socket.accept()
            self.addCleanup(accepted.close)
            inherited = [
                accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            ]
            self.assertEqual(any(inherited), kind is EagerServer)
            self.assertEqual(all(inherited), kind is EagerServer)

    def test_what_a_transport_provides_is_declared_once_for_all_connections(self) -> None:
        opened = door("tcp:0:interface=127.0.0.1", reactor, LiveContext())
        self.addCleanup(opened.stopService)
        opened.open()
        self.assertIs(Provides(BufferingServerTLS, IServerTransport), opened._declaration)

    def test_a_port_in_use(self) -> None:
        port = self.open("tcp:0:interface=127.0.0.1").address.split()[1]
        for endpoint in (f"tcp:{port}", f"tcp:{port}:interface=127.0.0.1"):
            self.assertIn("Address already in use", self.refused(endpoint))

    def test_an_address_that_is_not_here(self) -> None:
        message = self.refused("tcp:0:interface=203.0.113.9")
        self.assertIn("Cannot assign", message)
        self.assertIn("name an address of this machine", message)

    def test_a_unix_socket(self) -> None:
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "https"
        self.assertEqual(self.open(f"unix:{path}").address, str(path))
        self.assertIn("Cannot acquire lock", self.refused(f"unix:{path}"))

    def test_a_unix_socket_where_none_can_be(self) -> None:
        self.assertIn("No such file", self.refused("unix:/nonexistent/pkid/https"))
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.assertIn("too long", self.refused(f"unix:{directory}/{'x' * 100}"))

    async def test_a_stopped_one_accepts_no_more_and_can_be_opened_again(self) -> None:
        opened = self.open("tcp:0:interface=127.0.0.1")
        port = int(opened.address.split()[1])
        await opened.stopService()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        opened.open()
