"""The way to each session: what is written at once, what waits, and what is sent again.

Everything that waited is judged again when its turn comes: the rights and the subscription must hold at that moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from pkid.broker.backlog import Entry
from pkid.broker.effects import Deliver, DeliverBatch, Effect, Invoke, Recall, Send, Undelivered, Wanted
from pkid.broker.index import PatternIndex
from pkid.broker.inputs import Recalled
from pkid.broker.message import Batch, Message, Moment, QoS
from pkid.broker.peer import Peer
from pkid.broker.policy import Overflow, Policy
from pkid.broker.receipts import Outstanding
from pkid.broker.replies import Release
from pkid.broker.rights import Rights
from pkid.broker.routes import Way
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern, literal

__all__ = ["Deliveries"]


class Deliveries:
    """Writes to sessions, or lets things wait for them.

    :ivar overflown: peers for whom more waits than may, and whose sessions are to be closed therefore.
    """

    def __init__(self, policy: Policy, rights: Rights) -> None:
        self._policy = policy
        self._acknowledge_seconds = policy.acknowledge_time.total_seconds()
        self._rights = rights
        self.overflown: dict[Peer, None] = {}
        self.dropped = 0
        """How many messages were dropped because too much waited for somebody."""
        self._slow: set[Peer] = set()
        self._resend: deque[tuple[float, Peer, int]] = deque()  # in the order of time, because all wait equally long

    def fan_out(self, message: Message, way: Way, sender: Peer, moment: Moment) -> list[Effect]:
        """Deliver a message its way, to everybody but its sender."""
        if message.qos is QoS.AT_MOST_ONCE and self.is_free(way, sender):
            return [Deliver(stop.sessions, message, stop.pattern) for stop in way.stops]
        effects: list[Effect] = []
        for stop in way.stops:
            ready: list[int] = []
            for peer in stop.peers:
                if peer is not sender and self._is_ready(peer, message, stop.pattern, moment):
                    ready.append(peer.session or 0)
            if ready:
                effects.append(Deliver(tuple(ready), message, stop.pattern))
        return effects

    def fan_out_batch(self, batch: Batch, way: Way, sender: Peer, moment: Moment) -> list[Effect] | None:
        """Deliver a batch; do nothing, and return ``None``, where each of its messages is to be looked at.

        That is where each may end somebody's session, or has to wait for acknowledgements of those before.
        """
        if self.is_free(way, sender):
            if batch.qos is not QoS.AT_MOST_ONCE and not self._expect_receipts(batch, way, moment):
                return None
            return [DeliverBatch(stop.sessions, batch, stop.pattern) for stop in way.stops]
        if self._policy.overflow is Overflow.DISCONNECT or batch.qos is not QoS.AT_MOST_ONCE:
            return None
        effects: list[Effect] = []
        for stop in way.stops:
            others = [peer for peer in stop.peers if peer is not sender]
            ready = tuple(peer.session or 0 for peer in others if peer not in self._slow)
            if ready:
                effects.append(DeliverBatch(ready, batch, stop.pattern))
            for peer in self._slow.intersection(others):
                for message in batch.messages:
                    self._offer(peer, Deliver((peer.session or 0,), message, stop.pattern), message.size)
        return effects

    def is_free(self, way: Way, sender: Peer) -> bool:
        """Tell whether all to whom a way leads may be written to at once, and the sender is not one of them."""
        return sender not in way.members and (not self._slow or self._slow.isdisjoint(way.members))

    def post(self, peer: Peer, effect: Effect, size: int) -> list[Effect]:
        """Write something to a peer's session, or let it wait its turn; what cannot even wait ends the session."""
        if peer not in self._slow:
            return [effect]
        self._offer(peer, effect, size)
        return []

    def has_room(self, peer: Peer, size: int) -> bool:
        """Tell whether a call of so many bytes may be sent to a peer, because it keeps up with what it has."""
        return peer not in self._slow or peer.backlog.bytes + size < self._policy.backlog_bytes // 2

    def pause(self, peer: Peer) -> None:
        """Let everything wait: the transport holds enough."""
        peer.paused = True
        self._slow.add(peer)

    def resume(self, peer: Peer, room: int, moment: Moment) -> list[Effect]:
        """Write what waited, for about *room* bytes."""
        peer.paused = False
        return self._flush(peer, room, moment)

    def acknowledge(self, peer: Peer, number: int, moment: Moment) -> list[Effect]:
        """Note that a message arrived; go on with what waited for that."""
        outstanding = peer.sent.pop(number, None)
        if outstanding is None or peer.session is None:
            return []
        effects: list[Effect] = []
        if outstanding.message.qos is QoS.EXACTLY_ONCE:
            effects.append(Send(peer.session, Release(number)))
        return effects + (self._flush(peer, self._policy.backlog_bytes, moment) if peer in self._slow else [])

    def tick(self, moment: Moment) -> list[Effect]:
        """Send again what was not acknowledged in time, and give up what was sent often enough."""
        effects: list[Effect] = []
        while self._resend and self._resend[0][0] <= moment.monotonic:
            _, peer, number = self._resend.popleft()
            if number in peer.sent and peer.session is not None:
                effects += self._send_again(peer, number, peer.session, moment)
        return effects

    def recall(self, peer: Peer, recall: Recall) -> list[Effect]:
        """Bring kept messages; new ones wait until those are written."""
        peer.recalls.append(recall)
        self._slow.add(peer)
        return self._ask(peer)

    def _ask(self, peer: Peer) -> list[Effect]:
        if peer.recalling or not peer.recalls:
            return []
        peer.recalling = True
        return [peer.recalls[0]]

    def recalled(self, peer: Peer, given: Recalled, moment: Moment) -> list[Effect]:
        """Write kept messages, and ask for the next ones as soon as the session can take them."""
        peer.recalling = False
        if not peer.recalls or peer.recalls[0] != given.recall or peer.session is None or peer.recall_due:
            return self._ask(peer)  # something else is wished for by now
        wanted: PatternIndex[Wanted] = PatternIndex()
        for want in given.recall.wanted:
            wanted.add(want.pattern, want)
        effects: list[Effect] = []
        for message in given.messages:
            for _, wants in wanted.find(message.segments):
                effects += self._replay(peer, peer.session, message, wants[0], moment)
        beyond = given.messages[-1].number if given.messages else given.recall.until
        if given.more and beyond < given.recall.until:
            peer.recalls[0] = replace(given.recall, beyond=beyond)
        else:
            del peer.recalls[0]
        peer.recall_due = bool(peer.recalls)
        return effects + self._flush(peer, self._policy.backlog_bytes, moment)

    def withdraw(self, peer: Peer) -> list[Message]:
        """Forget the messages under way to a peer; return those that it was promised and did not get, in order."""
        if not self._has_anything(peer):
            return []
        promised = [message for message in peer.backlog.withdraw() if message.qos is not QoS.AT_MOST_ONCE]
        promised += [outstanding.message for outstanding in peer.sent.values()]
        peer.sent.clear()
        peer.recalls.clear()
        peer.recall_due = False
        if not peer.is_slow:
            self._slow.discard(peer)
        return sorted({message.number: message for message in promised}.values(), key=lambda message: message.number)

    def leave(self, peer: Peer) -> None:
        """Forget all that is under way to a peer."""
        if self._has_anything(peer):
            self.withdraw(peer)
            peer.backlog.clear()
            self._slow.discard(peer)
        peer.paused = peer.recalling = False
        self.overflown.pop(peer, None)

    def _has_anything(self, peer: Peer) -> bool:
        """Tell whether anything is under way to a peer: who waits for something is slow."""
        return bool(peer.sent) or peer in self._slow

    def _is_ready(self, peer: Peer, message: Message, pattern: Pattern | None, moment: Moment) -> bool:
        """Tell whether a message may be written to a peer at once; if not, it waits."""
        if peer not in self._slow:
            self._expect_receipt(peer, message, pattern, moment)
            return True
        if not self._offer(peer, Deliver((peer.session or 0,), message, pattern), message.size):
            if message.qos is not QoS.AT_MOST_ONCE:
                peer.sent[message.number] = Outstanding(message)  # promised: `withdraw` gives it back
        return False

    def _offer(self, peer: Peer, effect: Effect, size: int) -> bool:
        """Let something wait for a peer; what cannot even wait ends its session."""
        before = peer.backlog.dropped
        waits = peer.backlog.offer(Entry(effect, size))
        self.dropped += peer.backlog.dropped - before
        if not waits:
            self.overflown[peer] = None
        return waits

    def _expect_receipt(self, peer: Peer, message: Message, pattern: Pattern | None, moment: Moment) -> None:
        """Wait for the acknowledgement of a message; one that comes through a pattern has none."""
        if message.qos is QoS.AT_MOST_ONCE or pattern is not None:
            return
        peer.sent[message.number] = Outstanding(message)
        self._schedule(peer, message.number, moment)
        if len(peer.sent) >= self._policy.unacknowledged:
            self._slow.add(peer)

    def _expect_receipts(self, batch: Batch, way: Way, moment: Moment) -> bool:
        """Wait for the acknowledgements of a batch from all who are to give them; of none if that is too much."""
        peers = [peer for stop in way.stops if stop.pattern is None for peer in stop.peers]
        room = self._policy.unacknowledged - len(batch.payloads)
        if any(len(peer.sent) >= room for peer in peers):
            return False
        due, resend = moment.monotonic + self._acknowledge_seconds, self._resend
        for message in batch.messages if peers else ():
            number = message.number
            for peer in peers:
                peer.sent[number] = Outstanding(message)
                resend.append((due, peer, number))
        return True

    def _schedule(self, peer: Peer, number: int, moment: Moment) -> None:
        self._resend.append((moment.monotonic + self._acknowledge_seconds, peer, number))

    def _flush(self, peer: Peer, room: int, moment: Moment) -> list[Effect]:
        effects: list[Effect] = []
        if peer.recall_due and not peer.paused:
            peer.recall_due = False
            effects += self._ask(peer)
        while room > 0 and peer.backlog and not self._is_held(peer):
            entry = peer.backlog.take()
            room -= entry.size
            if self._is_due(peer, entry):
                effects.append(entry.effect)
                if isinstance(entry.effect, Deliver):
                    self._expect_receipt(peer, entry.effect.message, entry.effect.pattern, moment)
        if not peer.is_slow:
            self._slow.discard(peer)
        return effects

    def _is_held(self, peer: Peer) -> bool:
        return peer.paused or bool(peer.recalls) or len(peer.sent) >= self._policy.unacknowledged

    def _is_due(self, peer: Peer, entry: Entry) -> bool:
        """Tell whether what waited is still to be written."""
        match entry.effect:
            case Deliver(message=message, pattern=pattern):
                return self._may_have(peer, message, pattern)
            case Invoke(invocation=invocation):
                return invocation.number in peer.serving
            case _:
                return True

    def _may_have(self, peer: Peer, message: Message, pattern: Pattern | None) -> bool:
        subscribed = (pattern or literal(message.topic)) in peer.subscriptions
        return subscribed and self._rights.allows(peer.identity, Verb.SUBSCRIBE, message.segments)

    def _replay(self, peer: Peer, session: int, message: Message, wanted: Wanted, moment: Moment) -> list[Effect]:
        pattern = None if wanted.pattern.is_literal else wanted.pattern
        fresh = message.number > wanted.beyond and message.received_at >= wanted.since
        if not fresh or not self._may_have(peer, message, pattern):
            return []
        self._expect_receipt(peer, message, pattern, moment)
        return [Deliver((session,), message, pattern)]

    def _send_again(self, peer: Peer, number: int, session: int, moment: Moment) -> list[Effect]:
        outstanding = peer.sent[number]
        if not self._may_have(peer, outstanding.message, None):
            return self._give_up(peer, number, session, "no longer wanted, or no longer allowed", moment)
        if outstanding.sends >= self._policy.sends:
            return self._give_up(peer, number, session, f"not acknowledged after {outstanding.sends} times", moment)
        self._schedule(peer, number, moment)
        if peer.paused:
            return []
        outstanding.sends += 1
        return [Deliver((session,), outstanding.message, again=True)]

    def _give_up(self, peer: Peer, number: int, session: int, why: str, moment: Moment) -> list[Effect]:
        message = peer.sent.pop(number).message
        rest = self._flush(peer, self._policy.backlog_bytes, moment) if peer in self._slow else []
        return [Undelivered(session, message, why), *rest]
