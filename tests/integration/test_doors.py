"""Components in CBOR, in JSON-RPC and of the line door, on the same topics of a real daemon, under the same rights."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnKey
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.pem import read_certificates
from pkid.line.client import Client, Delivered, QoS, TrustingEndpoint
from pkid.line.client.errors import Denied
from tests.certificates import private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.components import CborComponent, Component, JsonComponent, value
from tests.interop.core import WITH_PSK, ask, bearer

KEYS = {name: private_key(KeyType.P256, owner=name) for name in ("chief", "friend", "foe")}


def said(text: str) -> Payload:
    return Payload(PayloadKind.JSON, json.dumps([text]).encode())


class Member(Protocol):
    """A component that proved its name, whatever door it came by."""

    async def subscribes(self, topic: str) -> bool:
        """Subscribe, and tell whether that is allowed."""

    async def publishes(self, topic: str, text: str) -> bool:
        """Publish, and tell whether that is allowed."""

    async def exposes(self, topic: str) -> bool:
        """Expose, and tell whether that is allowed."""

    async def calls(self, topic: str) -> bool:
        """Call, and tell whether that is allowed and was answered."""

    async def hears(self) -> tuple[str, object]:
        """Return the topic of the next message, and what it says."""

    async def leaves(self) -> None:
        """Go."""


class LineMember:
    """One of the line door."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard: DeferredQueue[Delivered] = DeferredQueue()

    async def subscribes(self, topic: str) -> bool:
        return await allowed(self._client.subscribe(topic, self._heard.put))

    async def publishes(self, topic: str, text: str) -> bool:
        return await allowed(self._client.publish(topic, said(text), QoS.AT_LEAST_ONCE))

    async def exposes(self, topic: str) -> bool:
        return await allowed(self._client.expose(topic, lambda call: said("answer")))

    async def calls(self, topic: str) -> bool:
        return await allowed(self._client.call(topic))

    async def hears(self) -> tuple[str, object]:
        message = await self._heard.get()
        return message.topic, value(message.payload)

    async def leaves(self) -> None:
        await self._client.stopService()


class RembusMember:
    """One of a Rembus door, whose socket blocks."""

    def __init__(self, component: Component) -> None:
        self._component = component

    async def subscribes(self, topic: str) -> bool:
        return await self._administer("subscribe", topic)

    async def publishes(self, topic: str, text: str) -> bool:
        return await deferToThread(self._component.publish, topic, text)

    async def exposes(self, topic: str) -> bool:
        return await self._administer("expose", topic)

    async def calls(self, topic: str) -> bool:
        status = (await deferToThread(self._component.call, topic)).status
        assert status in {0, 10}, status
        return status == 0

    async def hears(self) -> tuple[str, object]:
        return await deferToThread(self._component.next)

    async def leaves(self) -> None:
        self._component.socket.close()

    async def _administer(self, command: str, topic: str) -> bool:
        status = await deferToThread(self._component.administer, command, topic)
        assert status in {0, 10}, status
        return status == 0


async def allowed(doing: Deferred[Any]) -> bool:
    """Wait for something, and tell whether the core let it be done."""
    try:
        await doing
    except Denied:
        return False
    return True


class RightsTests(TestCase):
    """Rights change while components of each door are there; another one, of the line door, stays all the time."""

    timeout = 180

    async def start(self) -> None:
        """Start a core that knows the keys of all."""
        self.daemon: Daemon = await deferToThread(start_daemon, self, *WITH_PSK)
        for name, key in KEYS.items():
            public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            await self.command(f"broker keys add {name} {b64encode(public).decode()}")

    async def command(self, line: str) -> None:
        """Have the core run a command."""
        headers = bearer() | {"Content-Type": "text/plain"}
        answer = await deferToThread(ask, self.daemon, "POST", "/cli/execute", line.encode(), headers)
        self.assertEqual(answer.status, 200, answer.body)

    async def line_member(self, name: str) -> Member:
        """Connect a component to the line door, until the end of the test."""
        (authority,) = read_certificates((self.daemon.state / "ca.crt").read_bytes())
        runtime = Runtime.of(reactor)
        endpoint = TrustingEndpoint.pinned(runtime, "localhost", self.daemon.address("line")[1], authority)
        client = Client(endpoint, runtime, name, OwnKey(KEYS[name]))
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected(1)
        return LineMember(client)

    async def cbor_member(self, name: str) -> Member:
        """Connect a component that speaks CBOR."""
        return await deferToThread(self.rembus_member, CborComponent, name, KEYS[name])

    async def json_member(self, name: str) -> Member:
        """Connect a component that speaks JSON-RPC."""
        return await deferToThread(self.rembus_member, JsonComponent, name, KEYS[name])

    def rembus_member(self, kind: Callable[..., Component], name: str, key: PrivateKey) -> Member:
        component = kind(self, self.daemon)
        self.assertEqual(component.prove(name, key).status, 0)
        self.assertEqual(component.administer("reactive", status=True), 0)
        return RembusMember(component)

    async def may(self, member: Member, topic: str) -> tuple[bool, bool]:
        """Return what a member may do on a topic: publish and call."""
        return await member.publishes(topic, "x"), await member.calls(topic)

    async def test_rights_hold_at_each_door_and_change_at_each_at_once(self) -> None:
        await self.start()
        chief = await self.line_member("chief")
        for topic in ("plans", "open"):
            self.assertTrue(await chief.exposes(topic))
        for connect in (self.line_member, self.cbor_member, self.json_member):
            friend, foe = await connect("friend"), await connect("foe")
            for member in (friend, foe):
                self.assertTrue(await member.subscribes("open"))
            await self.private(friend, foe)
            await self.granted(chief, friend, foe)
            await self.denied(chief, friend, foe)
            await self.revoked(chief, friend)
            await self.command("broker public_topic plans")
            await self.command("broker deny publish,subscribe,rpc plans foe --undo")
            for member in (friend, foe):
                self.assertEqual(await self.may(member, "plans"), (True, True))
            for member in (friend, foe):
                await member.leaves()

    async def private(self, friend: Member, foe: Member) -> None:
        """A private topic is nobody's."""
        await self.command("broker private_topic plans")
        for member in (friend, foe):
            self.assertEqual(await self.may(member, "plans"), (False, False))
            self.assertFalse(await member.subscribes("plans"))
            self.assertFalse(await member.exposes("plans"))

    async def granted(self, chief: Member, friend: Member, foe: Member) -> None:
        """A grant lets those in whom it means."""
        await self.command("broker authorize chief plans")
        await self.command("broker grant publish,subscribe,rpc plans f*")
        for member in (friend, foe):
            self.assertTrue(await member.subscribes("plans"))
            self.assertTrue(await member.calls("plans"))
            self.assertFalse(await member.exposes("plans"))
        self.assertTrue(await chief.publishes("plans", "for both"))
        self.assertEqual([await friend.hears(), await foe.hears()], [("plans", ["for both"])] * 2)
        self.assertTrue(await foe.publishes("plans", "from foe"))
        self.assertEqual(await friend.hears(), ("plans", ["from foe"]))

    async def denied(self, chief: Member, friend: Member, foe: Member) -> None:
        """A denial counts more than the grant, and an existing subscription brings nothing more."""
        await self.command("broker deny publish,subscribe,rpc plans foe")
        self.assertEqual(await self.may(foe, "plans"), (False, False))
        self.assertTrue(await chief.publishes("plans", "not for foe"))
        self.assertEqual(await friend.hears(), ("plans", ["not for foe"]))
        self.assertTrue(await chief.publishes("open", "for both"))
        self.assertEqual([await friend.hears(), await foe.hears()], [("open", ["for both"])] * 2)

    async def revoked(self, chief: Member, friend: Member) -> None:
        """What is taken back is taken back at once."""
        self.assertEqual(await self.may(friend, "plans"), (True, True))
        await self.command("broker grant publish,subscribe,rpc plans f* --undo")
        self.assertEqual(await self.may(friend, "plans"), (False, False))
        self.assertTrue(await chief.publishes("plans", "not for friend"))
        self.assertTrue(await chief.publishes("open", "for friend"))
        self.assertEqual(await friend.hears(), ("open", ["for friend"]))
