"""A relay between a component and the core gets in by no kind of proof: real TLS, over real sockets.

The relay has a certificate that the component trusts, for the name that it asks for: the last line of defence is the
proof itself.
"""

from __future__ import annotations

import itertools
from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.ssl import CertificateOptions

from pkid.auth.component_keyring import Material
from pkid.auth.component_login import Invitation, NotBound, NotOffered, begin_attempt
from pkid.auth.own_credential import OwnCertificate, OwnCredential, OwnKey, OwnPassword, OwnPreSharedKey
from pkid.auth.proofs import Proof
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.broker.commands import Prove, View
from pkid.ca.keys import KeyType
from pkid.ca.trust import TrustError
from pkid.line.client.errors import Denied, Disconnected
from pkid.line.codec import write_command
from pkid.line.writing import decode_base64url
from tests.certificates import PSK, SALT, signing_key
from tests.line.doors import (
    ALL_VERSIONS,
    TLS_1_2,
    TLS_1_3,
    Door,
    DoorCase,
    Versions,
    credential,
    entry_of,
    listen,
    reactor,
)
from tests.line.relay import Change, Relay
from tests.line.talker import dial

PASSWORD = "correct horse"
KEYS = {kind.value: kind.generate() for kind in (KeyType.RSA2048, KeyType.P256, KeyType.P384, KeyType.ED25519)}
OWN: dict[str, OwnCredential] = {
    **{name: OwnKey(key) for name, key in KEYS.items()},
    "password": OwnPassword(PASSWORD),
    "psk": OwnPreSharedKey(PSK.name, SALT, signing_key(PSK.secret, SALT)),
    "certificate": OwnCertificate(),
}
"""A credential of each kind, by the name of the component that has it."""
STORED: dict[str, Material] = {
    **{name: key.public_key() for name, key in KEYS.items()},
    "password": ScramVerifier.make(PASSWORD, b"saltsalt", 4096),
}
CERTIFICATE = credential("certificate", uri=["spiffe://pkid.internal/certificate"])


class RelayCase(DoorCase):
    async def door(self, versions: Versions = ALL_VERSIONS, *, unbound_allowed: bool = False) -> Door:
        door = Door(STORED, (entry_of(CERTIFICATE, "certificate"),), unbound_allowed=unbound_allowed)
        await door.open(self, versions)
        return door

    async def relay(self, door: Door, near: Versions, far: Versions, **changes: Change) -> tuple[Relay, int]:
        """Put a relay before a door: TLS of some versions towards the component, and of some towards the core."""
        relay = Relay(onward(door.port, far), **changes)
        return relay, await listen(self, relay, near, owner="relay")

    async def log_in(self, port: int, name: str, **how: Any) -> None:
        """Log in by the credential of a component; fail as that fails."""
        shown = CERTIFICATE if name == "certificate" else None
        await self.connect(port, name, OWN[name], shown=shown, **how)

    async def nobody_gets_in(self, door: Door, port: int, **how: Any) -> None:
        """Check that no kind of proof gets anybody in through a relay."""
        for name in OWN:
            try:
                await self.log_in(port, name, **how)
            except (Denied, Disconnected, TrustError):
                pass
            else:
                self.fail(f"{name} got in")
            self.assertEqual(proven(door), set())


def proven(door: Door) -> set[str | None]:
    """Return the names that are proven at a door."""
    sessions: Any = door.service.look(View.SESSIONS)
    return {each.identity.component for each in sessions if each.identity.authenticated}


def onward(port: int, versions: Versions) -> Any:
    """Return the relay's way to the core; it need not know whose certificate that is."""
    options = CertificateOptions()
    context: SSL.Context = options.getContext()
    context.set_min_proto_version(versions[0])
    context.set_max_proto_version(versions[1])
    return wrapClientTLS(options, HostnameEndpoint(reactor, "127.0.0.1", port))


class WithoutRelayTests(RelayCase):
    """What would work if nobody stood between."""

    async def test_every_kind_of_proof_gets_its_component_in(self) -> None:
        door = await self.door()
        for name in OWN:
            await self.log_in(door.port, name)
        self.assertEqual(proven(door), set(OWN))

    async def test_with_a_relay_that_passes_everything_on_somebody_without_a_name_notices_nothing(self) -> None:
        """So the relay works, and what fails in the other tests is the proof."""
        door = await self.door()
        _, port = await self.relay(door, ALL_VERSIONS, ALL_VERSIONS)
        await self.connect(port)


class RelayTests(RelayCase):
    """Somebody between, with TLS of every version on both sides."""

    async def test_tls_1_3_on_both_legs(self) -> None:
        door = await self.door()
        relay, port = await self.relay(door, TLS_1_3, TLS_1_3)
        await self.nobody_gets_in(door, port)
        self.assertIn(b"PROVE p256 ", b"".join(relay.heard))

    async def test_tls_1_2_on_both_legs(self) -> None:
        door = await self.door()
        relay, port = await self.relay(door, TLS_1_2, TLS_1_2)
        await self.nobody_gets_in(door, port)
        self.assertNotIn(b"PROVE p256 ", b"".join(relay.heard))

    async def test_a_component_that_allows_unbound_proofs_does_not_get_its_relay_in(self) -> None:
        door = await self.door()
        for near, far in itertools.product((TLS_1_2, TLS_1_3), repeat=2):
            _, port = await self.relay(door, near, far)
            await self.nobody_gets_in(door, port, unbound_allowed=True)

    async def test_tls_1_3_on_one_leg(self) -> None:
        door = await self.door()
        for near, far in ((TLS_1_3, TLS_1_2), (TLS_1_2, TLS_1_3)):
            _, port = await self.relay(door, near, far)
            await self.nobody_gets_in(door, port)

    async def test_a_core_that_allows_unbound_proofs_gets_none_of_a_component_that_does_not(self) -> None:
        door = await self.door(unbound_allowed=True)
        for near, far in itertools.product((TLS_1_2, TLS_1_3), repeat=2):
            _, port = await self.relay(door, near, far)
            await self.nobody_gets_in(door, port)


class DowngradeTests(RelayCase):
    """Somebody between who would like something weaker."""

    async def test_a_stripped_list_of_offers(self) -> None:
        """Even where unbound proofs are allowed on both sides, nothing else is proven than what was offered."""

        def without(*schemes: Scheme) -> Change:
            def strip(data: bytes) -> bytes:
                for scheme in schemes:
                    data = data.replace(f" {scheme.value}".encode(), b"", 1)
                return data

            return strip

        door = await self.door()
        for stripped in ((Scheme.SCRAM_PLUS,), (Scheme.CERTIFICATE,), tuple(set(Scheme) - {Scheme.SCRAM})):
            _, port = await self.relay(door, TLS_1_3, TLS_1_3, to_component=without(*stripped))
            await self.nobody_gets_in(door, port)
        with self.assertRaises(NotOffered):
            await self.log_in(port, "password")

    async def test_unbound_proofs_that_both_sides_allow_still_cover_the_offers(self) -> None:
        """Without a binding the relay can pass a proof on, and cannot change what it is for."""
        door = await self.door(unbound_allowed=True)
        _, port = await self.relay(
            door, TLS_1_2, TLS_1_2, to_component=lambda data: data.replace(b" psk_hmac_sha256", b"", 1)
        )
        for name in KEYS:
            with self.assertRaises(Denied):
                await self.log_in(port, name, unbound_allowed=True)

    async def test_an_offer_of_plain_passwords(self) -> None:
        door = await self.door()
        relay, port = await self.relay(
            door, TLS_1_3, TLS_1_3, to_component=lambda data: data.replace(b" SCRAM-SHA-256-PLUS", b" PLAIN", 1)
        )
        with self.assertRaises(NotOffered):
            await self.log_in(port, "password")
        self.assertNotIn(PASSWORD.encode(), b"".join(relay.heard))

    async def test_a_component_that_is_told_to_do_without_a_binding(self) -> None:
        door = await self.door(TLS_1_2)
        for name in set(OWN) - {"certificate"}:
            with self.assertRaises(NotBound):
                await self.log_in(door.port, name)


class ReplayTests(RelayCase):
    """Somebody who recorded everything that a component said."""

    async def log_in_by_hand(self, door: Door, name: str) -> list[bytes]:
        """Log in by the credential of a component, and return what it said."""
        talker = await dial(door.port)
        self.addCleanup(talker.close)
        said: list[bytes] = []

        async def say(proof: Proof) -> str:
            said.append(write_command(Prove("1", name, proof)))
            talker.say(said[-1])
            return await talker.read()

        _, _, server, nonce, *offers = (await talker.read()).split()
        invitation = Invitation(server, decode_base64url(nonce), tuple(offers), talker.channel)
        attempt = begin_attempt(invitation, name, OWN[name], bytes(32))
        answer = await say(attempt.start())
        if answer.startswith("#1 CONTINUE "):
            answer = await say(attempt.go_on(answer.split()[2].encode()))
        self.assertIn(f"#1 WELCOME {name} proven", answer)
        return said

    async def test_a_recorded_proof_is_good_for_no_other_connection(self) -> None:
        door = await self.door()
        for name in set(OWN) - {"certificate"}:
            talker = await dial(door.port)
            await talker.read()
            answer = "#1 CONTINUE "
            for line in await self.log_in_by_hand(door, name):
                self.assertStartsWith(answer, "#1 CONTINUE ")
                talker.say(line)
                answer = await talker.read()
            self.assertStartsWith(answer, "#1 ERROR proof-failed")
            self.assertStartsWith(await talker.read(), "BYE login-failed")
            self.assertEqual(await talker.read(), "")

    def assertStartsWith(self, text: str, start: str) -> None:
        self.assertEqual(text[: len(start)], start)
