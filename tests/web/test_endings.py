"""What is left of a connection that is over: nothing that waits until somebody looks for garbage."""

from __future__ import annotations

import gc
import socket
import ssl
from typing import Any
from weakref import ref

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pkid.ca.names import Names
from pkid.state import KeyPair
from pkid.tls import LiveContext, server_context
from pkid.web.channel import Channel
from tests.certificates import NOON, csr_pem, private_key, profile, root
from tests.web.memory import Door, bearer, request

ORDER = request("POST", "/ca/sign", csr_pem(), Authorization=bearer())
SOON = 2  # seconds: who was refused is cut by then, and nobody else
UNANSWERED = (
    b"",
    ORDER[:30],
    ORDER[:-9],
    request("POST", "/ca/sign", Transfer_Encoding=b"chunked", Authorization=bearer()) + b"ff\r\nabc",
)
ANSWERED = (ORDER, request("GET", "/system/ping"))
REFUSED = (b"x y z\r\n\r\n", request("POST", "/ca/sign", Content_Length=b"99999999"))


class Watched(Channel):
    """Tells who waits when it is over, and what to look at for what is left of it."""

    left: Deferred[tuple[Any, ...]]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        transport: Any = self.transport
        super().connectionLost(reason)
        self.left.callback((ref(self), ref(transport), ref(transport.getHandle())))


class EndingTests(TestCase):
    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]
        live = LiveContext()
        approved = profile().approve_core(private_key().public_key(), Names(dns=("localhost",)))
        live.swap(server_context(KeyPair(private_key(), root().sign(approved, NOON, 2**130)), [root().chain]))
        self.door = Door()
        self.door.site.protocol = Watched
        endpoint = wrapServerTLS(live, TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        self.port: Any = await endpoint.listen(self.door.site)
        self.addCleanup(self.port.stopListening)

    def visit(self, sent: bytes, farewell: bool) -> None:
        """Send something, wait for the answer if there is one to be, and leave."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port.getHost().port), 20)) as connection:
            connection.sendall(sent)
            if sent in (*ANSWERED, *REFUSED):
                connection.recv(65_536)
            if farewell:
                connection.unwrap()

    async def test_nothing_is_left_however_it_ended(self) -> None:
        """Of the connection, of TLS, and of what OpenSSL keeps for it."""
        gc.disable()
        self.addCleanup(gc.enable)
        visits = [(sent, farewell) for sent in (*UNANSWERED, *ANSWERED) for farewell in (False, True)]
        for sent, farewell in (*visits, *((each, False) for each in REFUSED)):
            Watched.left = Deferred()
            await deferToThread(self.visit, sent, farewell)
            self.door.clock.advance(SOON)
            remains = await Watched.left
            await deferLater(reactor, 0)
            self.assertEqual([each() for each in remains], [None] * 3, (sent, farewell))
