"""The broker when the power fails, and when somebody does not read what it is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pkid.broker.commands import LAST_RECEIVED, Publish, Subscribe
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.line.codec import Ping
from pkid.line.events import Delivered, Succeeded
from pkid.line.talk import Pong
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case, slow

MESSAGES = 20_000
KILL_AFTER = 5_000
WINDOW = 200

LARGE = Payload(PayloadKind.BYTES, b"x" * 10_240)
BATCH = 64
BATCHES = 320
BACKLOG = 1 << 20
SLACK = 24 << 20  # bytes that the allocator and the transports' buffers take beside it


class PowerCutTests(Case):
    def setUp(self) -> None:
        slow()

    def test_no_acknowledged_message_of_a_retained_topic_is_lost(self) -> None:
        daemon = start_daemon(self, "--retain", "kept/**")
        speaker = LinePeer(daemon)
        acknowledged: set[int] = set()
        sent = 0
        while len(acknowledged) < KILL_AFTER:
            while sent < MESSAGES and sent - len(acknowledged) < WINDOW:
                content = Payload(PayloadKind.TEXT, str(sent).encode())
                speaker.send(Publish(str(sent), "kept/news", content, len(content.data), QoS.AT_LEAST_ONCE))
                sent += 1
            acknowledged.add(int(speaker.next(Succeeded).request))
        daemon.kill()
        acknowledged |= set(self.late_acknowledgements(speaker))
        speaker.socket.close()
        daemon.start()
        kept = self.kept(daemon, max(acknowledged))
        print(f" [{len(acknowledged)} of {sent} messages were acknowledged, {len(kept)} are kept]", end="")
        self.assertEqual(acknowledged - set(kept), set())
        self.assertEqual(kept, sorted(kept))

    def late_acknowledgements(self, speaker: LinePeer) -> list[int]:
        """Return what was under way to the speaker when the power failed."""
        found: list[int] = []
        try:
            while True:
                found.append(int(speaker.next(Succeeded).request))
        except (EOFError, OSError):
            return found

    def kept(self, daemon: Daemon, last: int) -> list[int]:
        """Return what the core has kept, at least up to the last number."""
        listener = LinePeer.of(self, daemon)
        listener.ask(Subscribe("s", "kept/**", LAST_RECEIVED))
        found: list[int] = []
        while not found or found[-1] < last:
            found.append(int(listener.next(Delivered).payload.data))
        return found


class StalledSubscriberTests(Case):
    def setUp(self) -> None:
        slow()

    def test_who_does_not_read_costs_a_bounded_amount_of_memory_and_the_others_nothing(self) -> None:
        daemon = start_daemon(self, *WITH_PSK, "--open-metrics", "--backlog", str(BACKLOG))
        stalled, reader, speaker = (LinePeer.of(self, daemon) for _ in range(3))
        for listener in (stalled, reader):
            listener.ask(Subscribe("s", "news"))
        self.pass_on(reader, speaker, 1)
        before = resident_bytes(daemon)
        self.pass_on(reader, speaker, BATCHES)
        growth = resident_bytes(daemon) - before
        figures = ask(daemon, "GET", "/metrics").body.decode()
        (waiting,) = re.findall(r"(?m)^pkid_broker_waiting_bytes ([0-9.e+]+)$", figures)
        (dropped,) = re.findall(r'(?m)^pkid_broker_undelivered_total\{reason="overflow"\} ([0-9.e+]+)$', figures)
        print(f" [{growth >> 10} KiB more; {dropped} messages dropped, {waiting} bytes wait]", end="")
        self.assertLess(growth, BACKLOG + SLACK)
        self.assertLessEqual(float(waiting), BACKLOG)
        self.assertGreater(float(dropped), BATCH * BATCHES / 2)
        self.assertEqual(self.held_up(daemon), [("transport", float(dropped))])

    def held_up(self, daemon: Daemon) -> list[tuple[str, float]]:
        """Return by what each slow session is held up, and what it did not get, as an operator asks for it."""
        headers = {**bearer(), "Content-Type": "text/plain", "Accept": "application/json"}
        found = json.loads(ask(daemon, "POST", "/cli/execute", b"broker sessions", headers).body)
        return [(each["held_up_by"], each["dropped"]) for each in found if each["dropped"]]

    def pass_on(self, reader: LinePeer, speaker: LinePeer, batches: int) -> None:
        """Publish batches, each when the reader has got the one before, to the last message."""
        for _ in range(batches):
            speaker.send(*(Publish(None, "news", LARGE, len(LARGE.data)) for _ in range(BATCH)))
            for _ in range(BATCH):
                self.assertEqual(len(reader.next(Delivered).payload.data), len(LARGE.data))
            speaker.send(Ping("p"))
            speaker.next(Pong)


def resident_bytes(daemon: Daemon) -> int:
    """Return how much memory the daemon has."""
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[1])
    return pages * 4096
