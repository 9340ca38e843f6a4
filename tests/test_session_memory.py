"""What sessions keep of the core's memory, counted in bytes that Python allocated; TLS comes on top of it."""

from __future__ import annotations

import gc
import tracemalloc

from pkid.line.factory import LineFactory
from pkid.line.protocol import LineProtocol
from tests.line.test_protocol import Wire
from tests.messaging.core import Core
from tests.support import Case

SESSIONS = 100
OURS = [tracemalloc.Filter(True, "*/pkid/*"), tracemalloc.Filter(True, "<string>")]  # where dataclasses are made


class MemoryTests(Case):
    def setUp(self) -> None:
        self.core = Core()
        self.factory = LineFactory(self.core.service, self.core.clock)
        self.kept: list[tuple[LineProtocol, Wire]] = []
        self.enter("warm")
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)

    def enter(self, name: str) -> LineProtocol:
        """Have a client come, take a name and subscribe."""
        protocol, wire = self.factory.buildProtocol(None), Wire()
        protocol.makeConnection(wire)
        protocol.dataReceived(f"#1 IDENTIFY {name}\n#2 SUBSCRIBE news\n".encode())
        self.core.clock.advance(0)
        self.core.clock.advance(0)
        self.assertIn(b"#2 OK", wire.value())
        wire.clear()
        self.kept.append((protocol, wire))
        return protocol

    def taken(self) -> int:
        """Return how many bytes are taken by what the core made."""
        gc.collect()
        found = tracemalloc.take_snapshot().filter_traces(OURS)
        return sum(each.size for each in found.statistics("filename"))

    def test_a_session_keeps_few_bytes(self) -> None:
        before = self.taken()
        for number in range(SESSIONS):
            self.enter(f"component-{number}")
        self.assertLess(self.taken() - before, 3800 * SESSIONS)

    def test_a_message_leaves_nothing_behind(self) -> None:
        speaker = self.enter("speaker")
        batch = b"PUBLISH news :hello\n" * 50

        def publish() -> None:
            speaker.dataReceived(batch)
            self.core.clock.advance(0)
            for _, wire in self.kept:
                wire.clear()

        publish()
        before = self.taken()
        for _ in range(20):
            publish()
        self.assertLess(self.taken() - before, 4000)  # of 1,000 messages: a pointer for each would be twice as much
