"""Publishing and subscribing: who wants what, and what becomes of each message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pkid.broker.commands import (
    NOW,
    Acknowledge,
    AcknowledgeBatch,
    Complete,
    Expose,
    Publish,
    PublishBatch,
    PublishSeries,
    React,
    RequestId,
    Subscribe,
    Unexpose,
    Unsubscribe,
)
from pkid.broker.deliveries import Deliveries
from pkid.broker.effects import Effect, Forget, Keep, Mark, Recall, Remember, Send, Wanted
from pkid.broker.gathered import Gathered
from pkid.broker.membership import Membership
from pkid.broker.message import Batch, Message, Moment, QoS
from pkid.broker.payload import Payload
from pkid.broker.peer import Peer, Subscription
from pkid.broker.policy import Policy
from pkid.broker.replies import Acknowledged, AcknowledgedBatch, Failed, Reply
from pkid.broker.rights import Rights
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern, Segments, read_topic
from pkid.errors import PkidError, Reason, Refused

__all__ = ["Router"]


class Router:
    """Carries messages within each tenant, to those who may have them.

    :param last_number: the number of the newest message that is kept from before; new ones go on from there.
    """

    def __init__(
        self, policy: Policy, rights: Rights, membership: Membership, deliveries: Deliveries, last_number: int
    ) -> None:
        self._policy = policy
        self._rights = rights
        self._membership = membership
        self._deliveries = deliveries
        self._last_number = last_number
        self._uncommitted: dict[int, tuple[Peer, int, RequestId]] = {}

    def publish(self, peer: Peer, command: Publish, moment: Moment) -> list[Effect]:
        """Pass a message on; acknowledge it once it is as safe as it is to be.

        :raises Refused: ``bad-topic``, or ``forbidden`` when the peer may not publish there.
        """
        tenant = self._membership.tenant(peer.identity)
        route = tenant.route(peer.identity, command.topic, self._rights)
        wants_receipt = command.qos is not QoS.AT_MOST_ONCE and command.request is not None
        if wants_receipt and command.request in peer.received:
            return self._acknowledge(peer, command.request) if peer.received.is_acknowledged(command.request) else []
        self._last_number += 1
        message = Message(
            self._last_number, tenant.name, command.topic, route.segments, command.payload, command.size,
            command.qos, peer.identity, moment.utc, command.slot,
        )  # fmt: skip
        effects: list[Effect] = [Keep(message, wants_receipt)] if route.is_kept else []
        effects += self._deliveries.fan_out(message, route.way, peer, moment)
        return effects + self._receipt(peer, command.request, message, route.is_kept) if wants_receipt else effects

    def publish_batch(self, peer: Peer, command: PublishBatch, moment: Moment) -> list[Effect] | None:
        """Pass messages on together; do nothing, and return ``None``, where that is not the same as one by one."""
        tenant = self._membership.tenant(peer.identity)
        try:
            route = tenant.route(peer.identity, command.topic, self._rights)
        except Refused:
            return None
        requests, kept = command.requests, route.is_kept
        if not route.way.is_single or (requests and not peer.received.are_new(requests)):
            return None
        batch = Batch(
            self._last_number + 1, tenant.name, command.topic, route.segments, command.payloads, peer.identity,
            moment.utc, command.qos,
        )  # fmt: skip
        effects = self._deliveries.fan_out_batch(batch, route.way, peer, moment)
        if effects is None:
            return None
        self._last_number += len(command.payloads)
        keep: list[Effect] = [Keep(message, bool(requests)) for message in batch.messages] if kept else []
        return keep + effects + self._receipts(peer, requests, batch, kept)

    def publish_series(
        self, peer: Peer, series: PublishSeries, moment: Moment, alone: Callable[[Publish], list[Effect]]
    ) -> list[Effect]:
        """Pass messages on: those that go the same way together, as far as each subscriber sees the order they had.

        :param alone: publishes one that is to be looked at for itself.
        """
        tenant, is_free = self._membership.tenant(peer.identity), self._deliveries.is_free
        effects: list[Effect] = []
        gathered = Gathered(series, peer.identity, moment)
        for topic, data in zip(series.topics, series.payloads.data, strict=True):
            try:
                _, way, is_kept = tenant.route(peer.identity, topic, self._rights)
            except Refused:
                is_kept = True
            if is_kept or not way.is_single or not is_free(way, peer):
                self._last_number = gathered.deliver(self._last_number, effects)
                effects += alone(Publish(series.request, topic, Payload(series.payloads.kind, data), len(data)))
            elif not gathered.add(way, topic, data):
                self._last_number = gathered.deliver(self._last_number, effects)
                gathered.add(way, topic, data)
        self._last_number = gathered.deliver(self._last_number, effects)
        return effects

    def complete(self, peer: Peer, command: Complete, moment: Moment) -> list[Effect]:
        """Forget the number of a publication that is done with."""
        peer.received.forget(command.request)
        return []

    def acknowledge(self, peer: Peer, command: Acknowledge, moment: Moment) -> list[Effect]:
        """Note that a message arrived."""
        return self._deliveries.acknowledge(peer, command.number, moment)

    def acknowledge_batch(self, peer: Peer, command: AcknowledgeBatch, moment: Moment) -> list[Effect]:
        """Note that messages arrived, one after the other."""
        acknowledge = self._deliveries.acknowledge
        return [effect for number in command.numbers for effect in acknowledge(peer, number, moment)]

    def kept(self, numbers: Iterable[int], error: PkidError | None = None) -> list[Effect]:
        """Acknowledge messages that were committed, or tell their publishers that they were not."""
        told: dict[int, list[RequestId]] = {}
        for number in numbers:
            if number not in self._uncommitted:
                continue
            peer, session, request = self._uncommitted.pop(number)
            if error is None:
                peer.received.acknowledge(request)
            else:
                peer.received.forget(request)
            if peer.session == session:  # in another session it is asked for again, and answered then
                told.setdefault(session, []).append(request)
        if error is None:
            return [Send(session, _acknowledged(requests)) for session, requests in told.items()]
        failed = (error.reason, error.subject)
        return [Send(session, Failed(each, *failed)) for session, requests in told.items() for each in requests]

    def subscribe(self, peer: Peer, command: Subscribe, moment: Moment) -> list[Effect]:
        """Add a subscription, and bring what it wants of the past.

        :raises Refused: ``bad-topic``, ``forbidden``, or ``limit``.
        """
        pattern = Pattern(command.topic)
        self.check(peer, Verb.SUBSCRIBE, pattern.segments)
        known = peer.subscriptions.get(pattern)
        before = NOW if known is None else known.since
        since = before if command.since is None else max(NOW, command.since)  # and NOW for what is no number
        changed = known is None or known.since != since
        if known is None:
            self._check_limits(peer, pattern)
            peer.subscriptions[pattern] = Subscription(since)
            self._membership.tenant(peer.identity).subscribe(peer, pattern)
        elif changed:
            known.since = since
            self._membership.tenant(peer.identity).reroute([pattern])
        effects: list[Effect] = []
        if _is_kept(peer) and changed:
            effects.append(Remember(peer.identity.component or "", pattern, since))
        return effects + (self._recall(peer, [pattern], moment) if known is None and peer.active else [])

    def unsubscribe(self, peer: Peer, command: Unsubscribe, moment: Moment) -> list[Effect]:
        """Remove a subscription.

        :raises Refused: ``bad-topic`` or ``forbidden``.
        """
        pattern = Pattern(command.topic)
        self.check(peer, Verb.SUBSCRIBE, pattern.segments)
        if peer.subscriptions.pop(pattern, None) is None:
            return []
        self._membership.tenant(peer.identity).unsubscribe(peer, pattern)
        return [Forget(peer.identity.component or "", pattern)] if _is_kept(peer) else []

    def react(self, peer: Peer, command: React, moment: Moment) -> list[Effect]:
        """Begin to take messages, those that came meanwhile first; or cease."""
        if command.active == peer.active:
            return []
        if not command.active:
            return self.rest(peer)
        peer.active = True
        self._membership.tenant(peer.identity).reroute(peer.subscriptions)
        return self._recall(peer, list(peer.subscriptions), moment, command.since)

    def rest(self, peer: Peer) -> list[Effect]:
        """Cease to write messages to a peer; keep what it was promised if it wants that later."""
        so_far = min([self._last_number, *(recall.beyond for recall in peer.recalls)])
        promised = self._deliveries.withdraw(peer)
        was_active, peer.active = peer.active, False
        if peer.subscriptions:
            self._membership.tenant(peer.identity).reroute(peer.subscriptions)
        if not was_active or peer.identity.component is None:
            return []
        if promised:
            so_far = min(so_far, promised[0].number - 1)
        for subscription in peer.subscriptions.values():
            subscription.mark = max(subscription.mark, so_far)
        kept: list[Effect] = [Keep(m, awaited=False) for m in promised if _wants_later(peer, m)]
        return kept + ([Mark(peer.identity.component or "", so_far)] if _is_kept(peer) and peer.subscriptions else [])

    def recall_all(self, peer: Peer, moment: Moment) -> list[Effect]:
        """Bring what came while the peer was away."""
        return self._recall(peer, list(peer.subscriptions), moment) if peer.active else []

    def expose(self, peer: Peer, command: Expose, moment: Moment) -> list[Effect]:
        """Add an exposer.

        :raises Refused: ``bad-topic``, ``forbidden``, or ``limit``.
        """
        self.check(peer, Verb.EXPOSE, read_topic(command.topic))
        if len(peer.exposed) >= self._policy.exposures and command.topic not in peer.exposed:
            raise Refused(Reason.LIMIT, f"{self._policy.exposures} exposed topics")
        peer.exposed[command.topic] = None
        self._membership.tenant(peer.identity).expose(peer, command.topic)
        return []

    def unexpose(self, peer: Peer, command: Unexpose, moment: Moment) -> list[Effect]:
        """Remove an exposer.

        :raises Refused: ``bad-topic`` or ``forbidden``.
        """
        self.check(peer, Verb.EXPOSE, read_topic(command.topic))
        peer.exposed.pop(command.topic, None)
        self._membership.tenant(peer.identity).unexpose(peer, command.topic)
        return []

    def check(self, peer: Peer, verb: Verb, topic: Segments) -> None:
        """Check a right.

        :raises Refused: ``forbidden``.
        """
        self._rights.on(topic).check(peer.identity, verb)

    def _receipt(self, peer: Peer, request: RequestId, message: Message, kept: bool) -> list[Effect]:
        peer.received.note(request, not kept)
        if not kept:
            return [Send(peer.session or 0, Acknowledged(request))]
        self._uncommitted[message.number] = (peer, peer.session or 0, request)
        return []

    def _receipts(self, peer: Peer, requests: tuple[RequestId, ...], batch: Batch, kept: bool) -> list[Effect]:
        session = peer.session or 0
        for number, request in enumerate(requests, batch.number):
            peer.received.note(request, not kept)
            if kept:
                self._uncommitted[number] = (peer, session, request)
        return [Send(session, AcknowledgedBatch(requests))] if requests and not kept else []

    def _acknowledge(self, peer: Peer, request: RequestId) -> list[Effect]:
        peer.received.acknowledge(request)
        return [Send(peer.session or 0, Acknowledged(request))]

    def _check_limits(self, peer: Peer, pattern: Pattern) -> None:
        if len(peer.subscriptions) >= self._policy.subscriptions:
            raise Refused(Reason.LIMIT, f"{self._policy.subscriptions} subscriptions")
        if len(peer.recalls) >= self._policy.subscriptions:
            raise Refused(Reason.LIMIT, f"{self._policy.subscriptions} subscriptions whose past is still to come")
        if not pattern.is_literal and peer.patterns >= self._policy.patterns:
            raise Refused(Reason.LIMIT, f"{self._policy.patterns} subscriptions to patterns")

    def _recall(self, peer: Peer, patterns: list[Pattern], moment: Moment, since: float | None = None) -> list[Effect]:
        wanted = []
        for pattern in patterns:
            subscription = peer.subscriptions[pattern]
            back = subscription.since if since is None else min(subscription.since, since)
            if back > 0 and subscription.mark < self._last_number:
                wanted.append(Wanted(pattern, moment.utc - back, subscription.mark))
        if not wanted or peer.session is None:
            return []
        beyond = min(want.beyond for want in wanted)
        limits = (self._last_number, self._policy.recalled, self._policy.backlog_bytes)
        return self._deliveries.recall(peer, Recall(peer.session, peer.identity.tenant, tuple(wanted), beyond, *limits))


def _acknowledged(requests: Sequence[RequestId]) -> Reply:
    return Acknowledged(requests[0]) if len(requests) == 1 else AcknowledgedBatch(tuple(requests))


def _is_kept(peer: Peer) -> bool:
    """Tell whether what a peer wants is kept beyond the end of the process."""
    return peer.identity.component is not None and peer.identity.authenticated


def _wants_later(peer: Peer, message: Message) -> bool:
    subscription = peer.subscriptions.get(Pattern(message.topic))
    return subscription is not None and subscription.since > 0
