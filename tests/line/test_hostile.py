"""A minute of hostile peers on a clock that a test turns: each ends by its budget, and nobody else notices."""

from __future__ import annotations

from collections import Counter
from random import Random

from pkid.line import events
from tests.line.test_protocol import DoorCase, Peer

SECONDS, PER_SECOND = 60, 10
LONGEST = 8
"""Seconds that a stranger may be there: five to say something, and three to take leave."""
REASONS = {
    "silent": "login-time",
    "slow": "login-time",
    "endless": "malformed",
    "greedy": "malformed",
    "noise": "malformed",
    "talker": "login-size",
    "guesser": "malformed",
}
"""Why each kind of peer is sent away."""


class Hostile(Peer):
    """A peer that means no good.

    :ivar reason: why the core closed it, once it did.
    """

    code = ""

    def __init__(self, case: DoorCase, kind: str, random: Random) -> None:
        super().__init__(case)
        self.kind = kind
        self._random = random
        self._turn = 0

    def act(self) -> None:
        """Do what its kind does each second, until it is closed."""
        self._turn += 1
        self.protocol.dataReceived(self._next())
        for event in self.hear():
            if isinstance(event, events.Closed):
                self.code = event.code
        if self.wire.disconnecting and not self.wire.aborted and self._turn > LONGEST:
            raise AssertionError(f"{self.kind} is still there")

    def _next(self) -> bytes:
        match self.kind:
            case "slow":
                return b"PUBLISH a x"[self._turn : self._turn + 1]
            case "endless":
                return b"x" * 5000
            case "greedy":
                return b"PUBLISH a +999999999\n"
            case "noise":
                return self._random.randbytes(200) + b"\xff\n"
            case "talker":
                return (b"#" + b"i" * 64 + b" PING\n") * 250
            case "guesser":
                return b"JUMP\n" * 20
        return b""


class HostileTests(DoorCase):
    def test_a_minute_of_strangers_of_each_kind(self) -> None:
        random = Random(7)
        reader, writer = self.peer(), self.peer()
        reader.say("SUBSCRIBE good")
        writer.say("SUBSCRIBE other")
        there: list[Hostile] = []
        ended: Counter[tuple[str, str]] = Counter()
        most = 0
        for second in range(SECONDS + LONGEST + 1):
            if second < SECONDS:
                there += [Hostile(self, random.choice(list(REASONS)), random) for _ in range(PER_SECOND)]
            for peer in there:
                peer.act()
            most = max(most, len(self.clock.getDelayedCalls()))
            self.clock.advance(1)
            for peer in [peer for peer in there if peer.code and peer.wire.aborted]:
                ended[peer.kind, peer.code] += 1
                peer.protocol.connectionLost()
                there.remove(peer)
            writer.say(f"PUBLISH good {second}")
            self.assertEqual([event.payload.data for event in reader.hear()], [b"%d" % second])  # type: ignore[union-attr]
        self.assertEqual(there, [])
        self.assertEqual(set(ended), set(REASONS.items()))
        self.assertEqual(ended.total(), SECONDS * PER_SECOND)
        self.assertLessEqual(most, PER_SECOND * (LONGEST + 1) + 3)
        self.assertEqual(len(self.clock.getDelayedCalls()), 2)
