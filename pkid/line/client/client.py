"""A component's connection to the broker, kept up: it reconnects, logs in again, and asks again for what it had.

What was published and not acknowledged is sent again; a call whose connection is lost fails, because nobody knows
whether it was answered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnCredential
from pkid.broker.changes import Authorize, Change, PrivateTopic, PublicTopic, Unauthorize
from pkid.broker.commands import (
    Administer,
    Call,
    Cancel,
    Explain,
    Expose,
    Inspect,
    Publish,
    Setup,
    Unexpose,
    Unsubscribe,
    View,
)
from pkid.broker.message import QoS
from pkid.broker.payload import Payload
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern
from pkid.line.client.connection import Connection
from pkid.line.client.exposures import Answerer, Exposures
from pkid.line.client.link import Link, data_of, no_connection
from pkid.line.client.login import Login
from pkid.line.client.outbox import Outbox
from pkid.line.client.payloads import as_payload
from pkid.line.client.subscriptions import Handler, Subscription, Subscriptions
from pkid.line.events import Delivered, Invoked

__all__ = ["CALL_TIME", "Client"]

CALL_TIME = 10.0
"""Seconds that a call waits for its answer, unless told otherwise."""

_GRACE = 5.0  # seconds that the core has to say itself that a call was not answered in time
_MARK_SIZE = 9  # bytes

_Content = Payload | bytes | str | None


class Client(Service):
    """A component's client of the broker: a service that is connected whenever it can be.

    :param endpoint: leads to the line door, such as :class:`~pkid.line.client.endpoint.TrustingEndpoint`.
    :param component: the component's name; without one, only what is public can be used.
    :param credential: proves the name.
    :param unbound_allowed: whether a proof is sent that is not bound to its TLS connection, too: where TLS ends before
        the core, or is older than 1.3. Whoever is in the middle could use it then.
    :param random_bytes: gives so many random bytes.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        runtime: Runtime,
        component: str | None = None,
        credential: OwnCredential | None = None,
        *,
        unbound_allowed: bool = False,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._runtime = runtime
        self._subscriptions = Subscriptions()
        self._exposures = Exposures(runtime.clock)
        self._outbox = Outbox(f"p{random_bytes(_MARK_SIZE).hex()}-")
        login = Login(component, credential, unbound_allowed, random_bytes)
        self._link = Link(endpoint, runtime, login, self, self._wanted, self._opened)

    # The connection

    def startService(self) -> None:
        """Begin to connect."""
        super().startService()
        self._link.start()

    def stopService(self) -> Deferred[None]:
        """Say goodbye; fire when the connection is gone."""
        super().stopService()
        self._outbox.end()
        for subscription in list(self._subscriptions):
            self._subscriptions.remove(subscription.topic)
        return self._link.stop()

    def when_connected(self, tries: int | None = None) -> Deferred[None]:
        """Fire when the session is open.

        :param tries: after how many attempts to fail, as the last one failed; without it, never.
        """
        return self._link.when_connected(tries).addCallback(_nothing)

    @property
    def connected(self) -> bool:
        """Whether there is an open session."""
        return self._link.connection is not None

    @property
    def warning(self) -> str:
        """What the core warned of when it welcomed the component the last time."""
        return "" if self._link.welcome is None else self._link.welcome.warning

    # Messages

    def publish(
        self, topic: str, content: _Content = None, qos: QoS = QoS.AT_MOST_ONCE, slot: int | None = None
    ) -> Deferred[None]:
        """Publish something to all who subscribed to a topic.

        At most once: fires as soon as the connection takes more, and fails with :class:`Disconnected` without one.
        Else: fires when the core acknowledged it, over whatever connection, and fails when the core refuses it.

        :raises Malformed: when the topic cannot stand in a line.
        """
        payload = as_payload(content)
        command = Publish(None, topic, payload, len(payload.data), QoS(qos), slot)
        connection = self._link.connection
        if command.qos is not QoS.AT_MOST_ONCE:
            return self._outbox.publish(command, connection)
        if connection is None:
            return fail(no_connection())
        connection.send(command)
        return connection.writable()

    def subscribe(
        self, topic: str, handler: Handler | None = None, since: float | None = None
    ) -> Deferred[Subscription]:
        """Subscribe to a topic or pattern, from now on and over all connections to come; fire when the core agreed.

        Without a handler, what comes is read from the subscription: ``async for message in subscription``.

        :param since: from how many seconds ago messages are wanted, or :data:`~pkid.broker.commands.LAST_RECEIVED`.
        :raises ValueError: when there is a subscription to it already.
        """
        subscription = self._subscriptions.add(topic, since)
        if handler is not None:
            self._subscriptions.serve(subscription, handler)
        asking = self._link.insist(subscription.command)
        asking.addErrback(_forget, self._subscriptions.remove, topic)
        return asking.addCallback(lambda _: subscription)

    def unsubscribe(self, topic: str) -> Deferred[None]:
        """End a subscription; fire when the core agreed."""
        self._subscriptions.remove(topic)
        return self._link.insist(lambda request: Unsubscribe(request, topic)).addCallback(_nothing)

    # Calls

    def expose(self, topic: str, answerer: Answerer) -> Deferred[None]:
        """Answer the calls of a topic, from now on and over all connections to come; fire when the core agreed.

        :raises ValueError: when it is exposed already.
        """
        self._exposures.add(topic, answerer)
        asking = self._link.insist(lambda request: Expose(request, topic))
        return asking.addErrback(_forget, self._exposures.remove, topic).addCallback(_nothing)

    def unexpose(self, topic: str) -> Deferred[None]:
        """Answer them no longer; fire when the core agreed."""
        self._exposures.remove(topic)
        return self._link.insist(lambda request: Unexpose(request, topic)).addCallback(_nothing)

    def call(
        self, topic: str, content: _Content = None, *, target: str | None = None, seconds: float = CALL_TIME
    ) -> Deferred[Payload]:
        """Have the exposer of a topic do something; fire with its answer. To cancel tells the exposer.

        Fails with :class:`CallFailed`, :class:`Denied` or :class:`Disconnected`.

        :param target: the component that is to answer.
        :param seconds: how long the answer is of use.
        """
        payload = as_payload(content)
        connection = self._link.connection
        if connection is None:
            return fail(no_connection())
        request = connection.next_id()
        command = Call(request, topic, payload, len(payload.data), target, seconds)
        answer = connection.request(command, lambda: connection.send(Cancel(request)))
        answer.addTimeout(seconds + _GRACE, self._runtime.clock)
        return answer.addCallback(lambda event: event.payload or as_payload(None))

    # Rights

    def administer(self, change: Change) -> Deferred[None]:
        """Have an admin change the rights; fire when the change is in force."""
        return self._link.ask(lambda request: Administer(request, change)).addCallback(_nothing)

    def private_topic(self, topic: str) -> Deferred[None]:
        """Let only those use a topic who are granted something on it."""
        return self.administer(PrivateTopic(Pattern(topic)))

    def public_topic(self, topic: str) -> Deferred[None]:
        """Let everybody use a topic."""
        return self.administer(PublicTopic(Pattern(topic)))

    def authorize(self, component: str, topic: str) -> Deferred[None]:
        """Let a component do everything on a topic, which becomes private."""
        return self.administer(Authorize(Pattern(topic), component))

    def unauthorize(self, component: str, topic: str) -> Deferred[None]:
        """Take back what a component was granted on a topic by name."""
        return self.administer(Unauthorize(Pattern(topic), component))

    def explain(self, verb: Verb, topic: str, component: str | None = None) -> Deferred[str]:
        """Ask why a component, or this one, may do something on a topic, or may not."""
        asking = self._link.ask(lambda request: Explain(request, verb, topic, component))
        return asking.addCallback(lambda event: data_of(event).decode("utf-8"))

    def inspect(self, view: View) -> Deferred[list[Any]]:
        """Have an admin look at all sessions, topics or rights."""
        return self._link.ask(lambda request: Inspect(request, view)).addCallback(
            lambda event: json.loads(data_of(event))
        )

    # What comes unasked, see Receiver

    def delivered(self, connection: Connection, message: Delivered) -> None:
        """Pass a message on to its subscriber."""
        self._subscriptions.delivered(connection, message)

    def forgotten(self, number: int) -> None:
        """Forget an exactly-once message."""
        self._subscriptions.forgotten(number)

    def invoked(self, connection: Connection, call: Invoked) -> None:
        """Answer a call."""
        self._exposures.invoked(connection, call)

    def withdrawn(self, connection: Connection, number: int) -> None:
        """Stop answering a call."""
        self._exposures.withdrawn(connection, number)

    def draining(self, connection: Connection) -> None:
        """Begin nothing more on this connection, and connect anew when what is under way is done."""
        self._link.retire(connection)

    # What the link asks for

    def _wanted(self, request: str) -> Setup:
        return Setup(request, self._exposures.topics, tuple(each.part for each in self._subscriptions))

    def _opened(self, connection: Connection) -> None:
        connection.when_lost.addCallback(lambda _: self._exposures.lost(connection))
        self._outbox.send_again(connection)


def _forget(failure: Failure, remove: Callable[[str], None], topic: str) -> Failure:
    remove(topic)
    return failure


def _nothing(answer: object) -> None:
    return None
