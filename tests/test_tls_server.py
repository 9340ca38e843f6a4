"""The doors' TLS says and does what Twisted's own does, and asks OpenSSL less."""

from __future__ import annotations

import contextlib
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLServerConnectionCreator,
    ISSLTransport,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pkid.ca.names import Names
from pkid.eager import EagerServer, IServerTransport
from pkid.state import KeyPair
from pkid.tls import LiveContext, server_context
from pkid.tls_server import BufferingServerTLS, ServerTLS
from tests.certificates import NOON, private_key, profile, root
from tests.support import Case
from tests.test_eager import Reactor, Socket

PIECE = 1 << 15
CALLS = ("recv", "bio_read", "do_handshake", "shutdown")


@implementer(IHandshakeListener)
class Listener(Protocol):
    """Keeps what it hears; greets, and echoes what is said after ``say:``."""

    transport: Any

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.end: Any = None

    def handshakeCompleted(self) -> None:
        self.transport.write(b"welcome\n")

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)
        if data.startswith(b"say:"):
            self.transport.write(data[4:])
        if data.endswith(b"cut"):
            self.transport.abortConnection()
        elif data.endswith(b"leave"):
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.end = reason.type


class Plain(Socket):
    def setsockopt(self, *option: int) -> None: ...


@cache
def live() -> LiveContext:
    """Return the server's context."""
    key, context = private_key(), LiveContext()
    approved = profile().approve_core(key.public_key(), Names(dns=("localhost",)))
    context.swap(server_context(KeyPair(key, root().sign(approved, NOON, 2**130)), [root().chain]))
    return context


class Asked:
    """A connection of OpenSSL's, and how often it was asked for what."""

    def __init__(self, connection: SSL.Connection) -> None:
        self.connection = connection
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in CALLS:
            self.calls.append(name)
        return getattr(self.connection, name)


@implementer(IOpenSSLServerConnectionCreator)
class Creator:
    """Makes a server's connection, and keeps it as *asked*."""

    asked: Asked

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Any:
        self.asked = Asked(live().serverConnectionForTLS(tlsProtocol))
        return self.asked


class Talk:
    """A client of OpenSSL's alone, and the connection that it has with a server of this protocol."""

    def __init__(self, kind: type[TLSMemoryBIOProtocol] = ServerTLS, newest: int = SSL.TLS1_3_VERSION) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(newest)
        self.client = SSL.Connection(context, None)
        self.client.set_connect_state()
        self.socket, self.reactor, self.clock, self.listener = Plain(), Reactor(), Clock(), Listener()
        creator = Creator()
        factory = TLSMemoryBIOFactory(creator, False, Factory.forProtocol(lambda: self.listener), self.clock)
        factory.protocol = kind
        self.server = factory.buildProtocol(None)
        made: Any = EagerServer
        self.transport = made(self.socket, self.server, ("192.0.2.1", 1), None, 1, self.reactor)
        self.server.makeConnection(self.transport)
        self.asked = creator.asked

    def send(self, data: bytes) -> None:
        """Let bytes reach the server."""
        self.socket.coming.append(data)
        self.transport.doRead()
        self.clock.advance(0)

    def hear(self) -> bytes:
        """Take what the server sent; return what that says."""
        said = b""
        for piece in self.socket.pieces:
            self.client.bio_write(piece)
        self.socket.pieces.clear()
        with contextlib.suppress(SSL.WantReadError, SSL.ZeroReturnError):
            while True:
                said += self.client.recv(PIECE)
        return said

    def taken(self) -> bytes:
        """Return what the client has to send."""
        taken = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                taken += self.client.bio_read(PIECE)
        return taken

    def shake_hands(self) -> bytes:
        """Shake hands; return the client's last bytes, which the server did not get yet."""
        with contextlib.suppress(SSL.WantReadError):
            self.client.do_handshake()
        self.send(self.taken())
        for piece in self.socket.pieces:
            self.client.bio_write(piece)
        self.socket.pieces.clear()
        with contextlib.suppress(SSL.WantReadError):
            self.client.do_handshake()
        return self.taken()

    def greet(self) -> bytes:
        """Shake hands, and return the greeting."""
        self.send(self.shake_hands())
        return self.hear()

    def said(self, *words: bytes) -> bytes:
        """Return what the client sends to say this, a record for each."""
        for word in words:
            self.client.send(word)
        return self.taken()


class ServerTLSTests(Case):
    """What a server says over TLS, and hears."""

    def test_it_greets_once_hands_are_shaken_and_answers(self) -> None:
        for kind in (ServerTLS, BufferingServerTLS):
            for newest in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
                talk = Talk(kind, newest)
                self.assertEqual(talk.greet(), b"welcome\n")
                talk.send(talk.said(b"say:one"))
                self.assertEqual(talk.hear(), b"one")

    def test_what_comes_with_the_end_of_the_handshake_is_heard(self) -> None:
        talk = Talk()
        talk.send(talk.shake_hands() + talk.said(b"say:one", b"two"))
        self.assertEqual((talk.hear(), talk.listener.heard), (b"welcome\none", [b"say:one", b"two"]))

    def test_what_comes_together_is_heard_one_after_the_other(self) -> None:
        talk = Talk()
        talk.greet()
        talk.send(talk.said(b"say:one", b"say:two", b"say:three"))
        self.assertEqual(talk.hear(), b"onetwothree")

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(
        st.lists(st.sampled_from([b"say:a", b"say:" + b"b" * 16_000, b"c"]), min_size=1, max_size=4),
        st.lists(st.integers(1, 90), min_size=1, max_size=30),
        st.booleans(),
    )
    def test_however_the_bytes_are_cut_all_is_heard_and_answered(
        self, words: list[bytes], cuts: list[int], old: bool
    ) -> None:
        talk = Talk(newest=SSL.TLS1_2_VERSION if old else SSL.TLS1_3_VERSION)
        waiting = talk.shake_hands() + (b"" if old else talk.said(*words))
        for cut in cuts:
            piece, waiting = waiting[:cut], waiting[cut:]
            if piece:
                talk.send(piece)
        if waiting:
            talk.send(waiting)
        heard = talk.hear()
        if old:
            talk.send(talk.said(*words))
            heard += talk.hear()
        self.assertEqual(b"".join(talk.listener.heard), b"".join(words))
        self.assertEqual(heard, b"welcome\n" + b"".join(word[4:] for word in words if word != b"c"))

    def test_what_the_client_must_be_told_by_tls_itself_is_sent(self) -> None:
        talk = Talk(newest=SSL.TLS1_2_VERSION)
        talk.greet()
        talk.client.renegotiate()
        with contextlib.suppress(SSL.WantReadError):
            talk.client.do_handshake()
        talk.send(talk.taken())
        self.assertNotEqual(talk.socket.pieces, [])  # a warning: no renegotiation

    def test_what_is_no_tls_is_answered_by_an_alert_and_cut(self) -> None:
        talk = Talk()
        talk.send(b"GET / HTTP/1.1\r\n\r\n")
        (reason,) = talk.reactor.turn()
        self.assertEqual((talk.listener.heard, type(reason)), ([], ConnectionDone))

    def test_what_was_changed_on_its_way_ends_the_connection_with_an_alert(self) -> None:
        talk = Talk()
        talk.greet()
        data = bytearray(talk.said(b"one"))
        data[-1] ^= 1
        talk.send(bytes(data))
        self.assertEqual(len(talk.socket.pieces), 1)
        (reason,) = talk.reactor.turn()
        talk.transport.connectionLost(Failure(reason))
        self.assertEqual((talk.listener.heard, talk.listener.end), ([], SSL.Error))

    def test_what_it_provides_is_what_the_connection_below_provides_and_tls(self) -> None:
        provided = [ITCPTransport, ISSLTransport, IServerTransport]
        self.assertTrue(all(each.providedBy(Talk().server) for each in provided))


class EndTests(Case):
    """How a connection ends."""

    def end(self, talk: Talk) -> Any:
        """Let the server's end of the connection close, as the reactor does; return how the server knows of it."""
        for reason in talk.reactor.turn():
            if reason is not None:
                talk.transport.connectionLost(Failure(reason))
        return talk.listener.end

    def test_a_client_that_says_goodbye_is_answered_and_the_connection_closed(self) -> None:
        for words in ([], [b"say:one"]):
            talk = Talk()
            talk.greet()
            data = talk.said(*words)
            talk.client.shutdown()
            talk.send(data + talk.taken())
            self.assertEqual(talk.hear(), b"one" if words else b"")
            self.assertEqual(talk.client.get_shutdown(), SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
            self.assertIs(self.end(talk), ConnectionDone)

    def test_after_its_own_goodbye_it_hears_the_clients_rest_and_closes_with_the_clients_goodbye(self) -> None:
        talk = Talk()
        talk.greet()
        talk.send(talk.said(b"leave"))
        self.assertIsNone(self.end(talk))
        talk.send(talk.said(b"rest"))
        talk.hear()
        talk.client.shutdown()
        talk.send(talk.taken())
        self.assertEqual(talk.listener.heard, [b"leave", b"rest"])
        self.assertIs(self.end(talk), ConnectionDone)

    def test_a_client_that_just_closes_after_the_servers_goodbye_did_well(self) -> None:
        talk = Talk()
        talk.greet()
        talk.send(talk.said(b"leave"))
        talk.asked.calls.clear()
        talk.transport.connectionLost(connectionDone)
        self.assertEqual((talk.listener.end, talk.asked.calls), (ConnectionDone, []))

    def test_a_client_that_just_closes_without_any_goodbye_is_gone_and_half_a_record_is_not_heard(self) -> None:
        for cut in (0, 7):
            talk = Talk()
            talk.greet()
            data = talk.said(b"one")
            talk.send(data[: len(data) - cut])
            talk.transport.connectionLost(connectionDone)
            self.assertEqual((talk.listener.heard, talk.listener.end), ([] if cut else [b"one"], ConnectionDone))

    def test_a_client_that_is_cut_is_heard_no_more(self) -> None:
        talk = Talk()
        talk.greet()
        talk.send(talk.said(b"cut", b"rest"))
        self.assertEqual(talk.listener.heard, [b"cut"])
        talk.transport.connectionLost(Failure(ConnectionAborted()))
        self.assertIs(talk.listener.end, ConnectionAborted)


class WorkTests(Case):
    """How often OpenSSL is asked; an answer that there is nothing is an exception, and costs most."""

    def asked(self, kind: type[TLSMemoryBIOProtocol]) -> list[list[str]]:
        """Return what OpenSSL is asked for at each step of a visit."""
        talk, steps = Talk(kind), []
        last = talk.shake_hands()
        steps.append(talk.asked.calls.copy())
        for data in (last, b"say:one", b"leave"):
            talk.asked.calls.clear()
            talk.send(data if data is last else talk.said(data))
            talk.hear()
            steps.append(talk.asked.calls.copy())
        return steps

    def test_for_what_is_heard_and_answered_openssl_is_asked_once_each(self) -> None:
        for kind in (ServerTLS, BufferingServerTLS):
            hello, finished, answer, leave = self.asked(kind)
            self.assertEqual(hello, ["do_handshake", "bio_read"])
            self.assertEqual(finished[:1], ["do_handshake"])
            self.assertEqual(answer, ["recv", "bio_read"])
            self.assertEqual(leave, ["recv", "shutdown", "bio_read"])

    def test_for_half_a_record_it_is_not_asked_at_all(self) -> None:
        talk = Talk()
        talk.greet()
        data = talk.said(b"say:one")
        talk.asked.calls.clear()
        talk.send(data[:9])
        self.assertEqual(talk.asked.calls, [])
        talk.send(data[9:])
        self.assertEqual(talk.hear(), b"one")
