"""A connection sends at once what the system takes, and the reactor sees to the rest."""

from __future__ import annotations

import errno
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Server
from zope.interface import implementedBy, implementer

from pkid.eager import EagerServer, IServerTransport
from tests.support import Case


class Socket:
    """Takes so many bytes at a time; *pieces* are what it was given."""

    def __init__(self) -> None:
        self.room = 1 << 20
        self.pieces: list[bytes] = []
        self.coming: list[bytes] = []
        self.error = 0

    def setblocking(self, flag: bool) -> None: ...

    def fileno(self) -> int:
        return 7

    def send(self, data: bytes) -> int:
        if self.error:
            raise OSError(self.error, "no")
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        if taken:
            self.pieces.append(taken)
        return len(taken)

    def recv(self, size: int) -> bytes:
        return self.coming.pop(0)

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...


class Reactor:
    """Notes who is to be told that a socket can be written to."""

    def __init__(self) -> None:
        self.writers: list[Any] = []
        self.asked = 0

    def addReader(self, reader: object) -> None: ...

    def removeReader(self, reader: object) -> None: ...

    def addWriter(self, writer: object) -> None:
        self.asked += 1
        if writer not in self.writers:
            self.writers.append(writer)

    def removeWriter(self, writer: object) -> None:
        if writer in self.writers:
            self.writers.remove(writer)

    def callLater(self, seconds: float, work: object, *arguments: object) -> None: ...

    def turn(self) -> list[object]:
        return [writer.doWrite() for writer in list(self.writers)]


class Echo(Protocol):
    """Answers each byte by itself, and leaves after a full stop."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        for byte in data:
            self.transport.write(bytes([byte]))
        if data.endswith(b"."):
            self.transport.loseConnection()


@implementer(IPushProducer, IPullProducer)
class Producer:
    paused = asked = 0

    def pauseProducing(self) -> None:
        self.paused += 1

    def resumeProducing(self) -> None:
        self.asked += 1

    def stopProducing(self) -> None: ...


class EagerServerTests(Case):
    def setUp(self) -> None:
        self.socket, self.reactor, self.protocol = Socket(), Reactor(), Echo()
        made: Any = EagerServer
        self.connection = made(self.socket, self.protocol, ("192.0.2.1", 1), None, 1, self.reactor)
        self.protocol.makeConnection(self.connection)

    def write_and_cut(self, data: bytes) -> None:
        self.connection.write(data)
        self.connection.abortConnection()

    def write_in_all_ways(self, data: bytes) -> None:
        self.connection.write(b"abcd")
        self.connection.writeSequence([b"ef", b"gh"])
        self.connection.write(b"ijkl")

    def write_and_leave(self, data: bytes) -> None:
        self.connection.write(b"abcd")
        self.connection.loseConnection()
        self.connection.write(b"ef")

    def write_and_ask(self, data: bytes) -> None:
        producer = Producer()
        self.patch(producer, "resumeProducing", lambda: self.connection.write(b"ef"))
        self.connection.write(b"abcd")
        self.connection.registerProducer(producer, False)
        self.connection.unregisterProducer()

    def receive(self, data: bytes) -> object:
        self.socket.coming.append(data)
        return self.connection.doRead()

    def test_what_is_written_is_sent_before_the_call_returns_and_the_reactor_is_not_asked(self) -> None:
        for piece in (b"one", b"two"):
            self.connection.write(piece)
        self.assertEqual((self.socket.pieces, self.reactor.asked), ([b"one", b"two"], 0))

    def test_what_answers_the_same_bytes_is_sent_in_one_piece_without_the_reactor(self) -> None:
        self.assertIsNone(self.receive(b"abc"))
        self.assertEqual((self.socket.pieces, self.reactor.asked), ([b"abc"], 0))
        self.assertIsNone(self.receive(b"def"))
        self.assertEqual(self.socket.pieces, [b"abc", b"def"])

    def test_what_the_system_does_not_take_is_sent_by_the_reactor_and_in_order(self) -> None:
        for write in (self.connection.write, self.receive):
            self.socket.pieces.clear()
            self.socket.room = 2
            write(b"abcd")
            self.connection.write(b"ef")
            self.assertEqual((self.socket.pieces, self.reactor.writers), ([b"ab"], [self.connection]))
            self.socket.room = 100
            self.assertEqual(self.reactor.turn(), [None])
            self.assertEqual((b"".join(self.socket.pieces), self.reactor.writers), (b"abcdef", []))
            self.connection.write(b"g")
            self.assertEqual(self.socket.pieces[-1], b"g")

    def test_a_producer_is_paused_only_when_the_system_takes_no_more(self) -> None:
        producer = Producer()
        self.connection.registerProducer(producer, True)
        self.connection.write(bytes(100_000))
        self.assertEqual(producer.paused, 0)
        self.socket.room = 0
        self.connection.write(bytes(100_000))
        self.assertEqual((producer.paused, producer.asked), (1, 0))
        self.socket.room = 1 << 20
        while self.reactor.writers:
            self.reactor.turn()
        self.assertEqual(producer.asked, 1)

    def test_who_waits_to_be_asked_for_more_is_asked_by_the_reactor(self) -> None:
        producer = Producer()
        self.connection.registerProducer(producer, False)
        asked = producer.asked
        self.connection.write(b"piece")
        self.reactor.turn()
        self.assertEqual((self.socket.pieces, producer.asked), ([b"piece"], asked + 1))

    def test_a_connection_that_is_left_while_it_reads_is_closed_when_all_was_sent(self) -> None:
        self.receive(b"abc.")
        self.assertEqual(self.socket.pieces, [b"abc."])
        (reason,) = self.reactor.turn()
        self.assertIsInstance(reason, ConnectionDone)

    def test_a_connection_that_is_left_before_all_was_sent_is_closed_afterwards(self) -> None:
        self.socket.room = 1
        self.receive(b"abc.")
        self.socket.room = 100
        reasons = self.reactor.turn()
        self.assertEqual(b"".join(self.socket.pieces), b"abc.")
        self.assertIsInstance(reasons[-1], ConnectionDone)

    def test_a_connection_that_is_cut_while_it_reads_sends_nothing_more(self) -> None:
        self.patch(self.protocol, "dataReceived", self.write_and_cut)
        self.receive(b"abc")
        self.assertEqual((self.socket.pieces, self.reactor.writers), ([], []))

    def test_a_producer_that_writes_too_much_for_one_turn_is_paused(self) -> None:
        producer = Producer()
        self.connection.registerProducer(producer, True)
        pieces = [bytes([number]) * 50_000 for number in range(3)]
        self.patch(self.protocol, "dataReceived", lambda data: [self.connection.write(piece) for piece in pieces])
        self.receive(b"more")
        while self.reactor.writers:
            self.reactor.turn()
        self.assertEqual((producer.paused > 0, b"".join(self.socket.pieces)), (True, b"".join(pieces)))

    def test_pieces_that_are_written_in_different_ways_while_it_reads_go_out_in_their_order(self) -> None:
        self.socket.room = 2
        self.patch(self.protocol, "dataReceived", self.write_in_all_ways)
        self.receive(b"go")
        self.socket.room = 100
        self.reactor.turn()
        self.assertEqual(b"".join(self.socket.pieces), b"abcdefghijkl")

    def test_what_is_written_behind_the_wish_to_leave_stays_behind_what_came_before(self) -> None:
        self.socket.room = 2
        self.patch(self.protocol, "dataReceived", self.write_and_leave)
        self.receive(b"go")
        self.socket.room = 100
        self.reactor.turn()
        self.assertEqual(b"".join(self.socket.pieces), b"abcdef")

    def test_what_somebody_writes_when_asked_for_it_stays_behind_what_came_before(self) -> None:
        self.socket.room = 2
        self.patch(self.protocol, "dataReceived", self.write_and_ask)
        self.receive(b"go")
        self.socket.room = 100
        self.reactor.turn()
        self.assertEqual(b"".join(self.socket.pieces), b"abcdef")

    def test_a_broken_connection_is_for_the_reactor_to_find(self) -> None:
        self.socket.error = errno.EPIPE
        for write in (self.connection.write, self.receive):
            write(b"abc")
            self.assertEqual([type(reason) for reason in self.reactor.turn()], [ConnectionLost])

    def test_it_provides_as_one_interface_what_twisteds_own_provides(self) -> None:
        self.assertEqual(list(implementedBy(EagerServer)), [IServerTransport])
        self.assertEqual(set(implementedBy(Server).flattened()) - set(implementedBy(EagerServer).flattened()), set())

    def test_nothing_is_sent_after_the_end(self) -> None:
        self.connection.connectionLost(connectionDone)
        self.connection.write(b"late")
        self.assertEqual((self.socket.pieces, self.reactor.asked), ([], 0))


WRITES = st.lists(st.tuples(st.sampled_from(["write", "writeSequence"]), st.integers(1, 9)), max_size=5)
"""How something is written, and how many bytes that are."""
STEPS = st.lists(st.tuples(st.sampled_from(["outside", "reading", "leaving"]), st.integers(0, 12), WRITES), max_size=8)
"""When it is written, and how many bytes the system takes from then on."""


class OrderTests(Case):
    """Whatever is written when, and however little the system takes: all of it arrives, and in its order."""

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(STEPS)
    def test_everything_arrives_in_its_order(self, steps: list[tuple[str, int, list[tuple[str, int]]]]) -> None:
        socket, reactor, protocol = Socket(), Reactor(), Echo()
        made: Any = EagerServer
        connection = made(socket, protocol, ("192.0.2.1", 1), None, 1, reactor)
        protocol.makeConnection(connection)
        written = bytearray()

        def write_all(writes: list[tuple[str, int]]) -> None:
            for way, size in writes:
                data = bytes((len(written) + number) % 251 for number in range(size))
                written.extend(data)
                getattr(connection, way)(data if way == "write" else [data[:1], data[1:]])

        for when, room, writes in steps:
            socket.room = room
            if when == "outside":
                write_all(writes)
            else:
                protocol.dataReceived = lambda _, writes=writes: write_all(writes)  # type: ignore[method-assign,misc]
                socket.coming.append(b"go")
                connection.doRead()
            if when == "leaving":
                connection.loseConnection()
                break
            reactor.turn()
        socket.room = 1 << 20
        for _ in steps:
            reactor.turn()
        self.assertEqual(b"".join(socket.pieces), bytes(written))
