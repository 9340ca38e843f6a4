"""What proves names, put together with a broker's service: keys, directories, tenants, registrations, revocations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet.defer import execute, succeed
from twisted.internet.task import Clock

from pkid.audit import Strangers
from pkid.auth.component_keyring import MemoryKeyring, StoredCredential
from pkid.auth.component_login import Invitation, begin_attempt
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.own_credential import OwnKey
from pkid.auth.pins import HashedPin
from pkid.auth.plain import challenge_and_text, secret_digest
from pkid.auth.proofs import PlainProof
from pkid.auth.registration import Registration
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.broker.changes import PrivateTopic
from pkid.broker.commands import Administer, Identify, Prove, Register, Unregister
from pkid.broker.effects import CloseReason
from pkid.broker.policy import Policy
from pkid.broker.replies import Challenge, Done, Failed, Reply, Welcome
from pkid.broker.topic import Pattern
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain
from pkid.errors import Reason, StateError
from pkid.keydir.following import INTERVAL
from pkid.messaging.interfaces import Approach
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms
from pkid.proving import Known, Proving
from pkid.settings.auth import DEFAULTS, Chosen
from tests.auth.logins import outcome
from tests.auth.pin_store import MemoryPins
from tests.certificates import private_key
from tests.messaging.core import FakeClient
from tests.support import Case
from tests.test_tenancy import MemoryTenants

CHANNEL = Channel(encrypted=True, exporter=b"e" * 32)
NONCE, CLIENT_NONCE = b"n" * 32, b"c" * 32
KEY = private_key(KeyType.ED25519)
OTHER = private_key(KeyType.P256)
TENANTS = MemoryTenants({".": HashedPin.make("11223344", b"s" * 16).encode(), "org": None})


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class ProvingTests(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        (self.path / "keys").mkdir(parents=True)
        self.clock = Clock()
        self.store = MemoryKeyring()
        self.decoy_key: bytes | None = None
        self.put("keys/alice.pem", pem(KEY))

    def put(self, name: str, content: bytes) -> None:
        (self.path / "new").write_bytes(content)
        (self.path / "new").replace(self.path / name)

    def begin(self, *chosen: Chosen, policy: Policy | None = None) -> None:
        """Put a broker to work, by default with all that proves names and the directory."""
        derivation = KeyDerivation(lambda work: execute(work), workers=1)
        self.known = Known(
            Keyring([], lambda: 0.0), derivation, TrustDomain(DEFAULT_TRUST_DOMAIN), lambda _: succeed(None),
            lambda _: False, self.store, TENANTS, MemoryPins(), self.decoy_key,
        )  # fmt: skip
        everything = (*DEFAULTS, Chosen("keydir", str(self.path)))
        self.proving = Proving(chosen or everything, self.known, files=execute, derivations=execute, clock=self.clock)
        self.service = BrokerService(
            Terms(policy or Policy()), MemoryBrokerStore(), self.proving.authentication.logins.begin, self.clock,
            Strangers(self.clock.seconds), registrar=self.proving.registrar, tenants=self.proving.tenants.names,
            random=lambda size: b"n" * size,
        )  # fmt: skip
        self.proving.attach(self.service)
        for each in (self.service, *self.proving.directories):
            each.startService()
            self.addCleanup(self.stop, each)

    def stop(self, service: Any) -> None:
        service.stopService()
        self.clock.advance(5)

    def connect(self) -> FakeClient:
        client = FakeClient()
        client.session = self.service.connect(
            client, Approach("test", "192.0.2.1", CHANNEL, tuple(Scheme)), offered=False
        )
        return client

    def join(self, name: str, key: PrivateKey | None = None) -> FakeClient:
        """Connect a client that says its name, and proves it if it is asked to."""
        client = self.connect()
        told = client.say(Identify(1, name))[-1]
        if key is not None and isinstance(told, Challenge):
            invitation = Invitation("pkid", NONCE, told.offers, CHANNEL)
            client.say(Prove(2, name, begin_attempt(invitation, name, OwnKey(key), CLIENT_NONCE).start()))
        return client

    def last(self, client: FakeClient) -> Reply:
        return client.replies[-1]

    def assert_proven(self, client: FakeClient) -> None:
        last = self.last(client)
        assert isinstance(last, Welcome), last
        self.assertTrue(last.identity.authenticated)

    def test_a_key_in_a_directory_proves_a_name_as_long_as_it_is_there(self) -> None:
        self.begin()
        alice = self.join("alice", KEY)
        self.assert_proven(alice)
        self.assertEqual(self.last(self.join("alice", KeyType.ED25519.generate())), Failed(2, Reason.PROOF_FAILED))
        (self.path / "keys/alice.pem").unlink()
        self.clock.advance(INTERVAL)
        self.assertIsNotNone(alice.closed)

    def test_keys_and_secrets_there_prove_names_in_the_plain_forms_too(self) -> None:
        rsa = private_key(KeyType.RSA2048)
        assert isinstance(rsa, RSAPrivateKey)
        self.put("keys/carol.org.rsa.pem", rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1))
        self.put("keys/dave", b"hush hush\n")
        self.begin()
        signature = rsa.sign(challenge_and_text(NONCE, "carol.org"), PKCS1v15(), SHA256())
        for name, good in (("carol.org", signature), ("dave", secret_digest(NONCE, "hush hush"))):
            for response, proven in ((good, True), (secret_digest(NONCE, "-----BEGIN RSA PUBLIC KEY-----"), False)):
                client = self.connect()
                client.say(Identify(1, name))
                client.say(Prove(2, name, PlainProof(response)))
                self.assertEqual(isinstance(self.last(client), Welcome), proven)
                client.session.lost()

    def test_a_key_of_the_store_proves_a_name_beside_it(self) -> None:
        outcome(self.store.add(StoredCredential("1", "alice", OTHER.public_key())))
        self.begin()
        for key in (KEY, OTHER):
            client = self.join("alice", key)
            self.assert_proven(client)
            client.session.lost()

    def test_a_name_that_gets_a_key_is_taken_from_who_did_not_prove_it(self) -> None:
        self.begin()
        claimant = self.join("bob")
        self.assertIsNone(claimant.closed)
        self.put("keys/bob.pem", pem(OTHER))
        self.clock.advance(INTERVAL)
        self.assertIs(claimant.closed, CloseReason.KICKED)
        self.assert_proven(self.join("bob", OTHER))

    def test_the_list_of_admins_makes_admins_of_those_who_prove_it(self) -> None:
        self.put("admins.json", b'["alice"]')
        self.begin()
        command = Administer(3, PrivateTopic(Pattern("my_topic")))
        alice = self.join("alice", KEY)
        self.assertEqual(alice.say(command), [Done(3)])
        self.put("admins.json", b"[]")
        self.clock.advance(INTERVAL)
        self.assertEqual(alice.say(command), [Failed(3, Reason.NOT_ADMIN)])

    def test_the_list_of_topics_holds_from_the_start_and_is_followed(self) -> None:
        topic = Pattern("my_topic").segments
        self.put("topic_auth.json", b'{"my_topic": ["alice"]}')
        self.begin()
        self.assertTrue(self.service.rights.is_private(topic))
        self.put("topic_auth.json", b'{"other": []}')
        self.clock.advance(INTERVAL)
        self.assertTrue(self.service.rights.is_private(topic))
        self.assertFalse(self.service.rights.names("alice"))
        self.assertTrue(self.service.rights.is_private(Pattern("other").segments))

    def test_tenants_of_the_store_and_of_the_list_are_closed_to_names_that_were_not_proven(self) -> None:
        self.put("tenants.json", b'{"com": "55667788"}')
        self.begin()
        for name in ("x.org", "x.com"):
            self.assertIs(self.join(name).closed, CloseReason.PROOF_NEEDED)
        free = self.join("x.net")
        self.assertIsNone(free.closed)
        self.put("tenants.json", b'{"com": "55667788", "net": "99887766"}')
        self.clock.advance(INTERVAL)
        self.assertIs(free.closed, CloseReason.EXPELLED)

    def test_a_pin_registers_a_key_which_proves_the_name_from_then_on(self) -> None:
        self.put("tenants.json", b'{"com": "55667788"}')
        self.begin()
        stranger = self.connect()
        for name, pin, expected in (
            ("bob", "11223344", Done(5)),
            ("bob.com", "55667788", Done(5)),
            ("alice", "11223344", Failed(5, Reason.NAME_TAKEN, "alice")),
        ):
            self.assertEqual(stranger.say(Register(5, name, Registration(pem(OTHER), pin))), [expected])
            stranger = self.connect()
        bob = self.join("bob", OTHER)
        self.assert_proven(bob)
        self.assertEqual(bob.say(Register(6, "bob", Registration(pem(KEY)))), [Done(6)])
        self.assertEqual(len(outcome(self.store.find("bob"))), 2)
        self.assertEqual(bob.say(Unregister(7)), [Done(7)])
        (left,) = outcome(self.store.find("bob"))
        self.assertEqual(left.material, KEY.public_key())

    def test_an_admin_that_did_not_prove_its_name_registers_nothing(self) -> None:
        self.put("admins.json", b'["root"]')
        self.begin()
        root = self.join("root")
        self.assertEqual(root.say(Register(5, "root", Registration(pem(KEY))))[-1], Failed(5, Reason.OUT_OF_ORDER))
        told = self.connect().say(Register(5, "root", Registration(pem(KEY), "11223344")))
        self.assertEqual(told, [Failed(5, Reason.NAME_TAKEN, "root")])

    def test_an_admin_registers_for_others(self) -> None:
        self.put("admins.json", b'["alice"]')
        self.begin()
        alice = self.join("alice", KEY)
        self.assertEqual(alice.say(Register(5, "bob", Registration(pem(OTHER)))), [Done(5)])
        self.assert_proven(self.join("bob", OTHER))

    def test_where_only_proven_names_are_served_unknown_ones_look_like_others(self) -> None:
        self.decoy_key = os.urandom(32)
        self.begin(policy=Policy(authenticated=True))
        told = {name: self.connect().say(Identify(1, name))[0] for name in ("alice", "bob", "carol")}
        self.assertEqual(len({repr(reply) for reply in told.values()}), 1)
        self.assertEqual(self.last(self.join("bob", KEY)), Failed(2, Reason.PROOF_FAILED))

    def test_without_checkers_nobody_proves_anything(self) -> None:
        self.begin(Chosen("psk"))
        self.assertEqual(self.proving.directories, [])
        last = self.last(self.join("alice", KEY))
        assert isinstance(last, Welcome)
        self.assertFalse(last.identity.authenticated)

    def test_a_directory_that_cannot_be_used_stops_the_start(self) -> None:
        self.assertRaises(StateError, self.begin, Chosen("keydir", str(self.path / "nowhere")))

    def test_a_name_is_judged_by_the_rights_and_not_before_these_are_known(self) -> None:
        self.begin()
        proving = Proving(DEFAULTS, self.known, files=execute, derivations=execute, clock=self.clock)
        self.assertRaises(AssertionError, outcome, proving.authentication.is_reserved("alice"))
