"""Real proofs at the broker at work: keys, passwords, and the steps of SCRAM."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pkid.audit import Strangers
from pkid.auth.component_keyring import MemoryKeyring, StoredCredential
from pkid.auth.component_login import Invitation, begin_attempt
from pkid.auth.component_portal import component_portal
from pkid.auth.keyring_checkers import keyring_checkers
from pkid.auth.logins import Logins
from pkid.auth.offers import Offers
from pkid.auth.own_credential import OwnCredential, OwnKey, OwnPassword
from pkid.auth.proofs import ScramAnswer
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.transcript import Channel
from pkid.broker.commands import Identify, Prove
from pkid.broker.effects import CloseReason
from pkid.broker.identity import Identity
from pkid.broker.replies import Challenge, Welcome
from pkid.ca.names import TrustDomain
from pkid.messaging.interfaces import Approach
from pkid.messaging.memory import MemoryBrokerStore
from pkid.messaging.service import BrokerService
from pkid.messaging.terms import Terms
from tests.auth.logins import CLIENT_NONCE
from tests.messaging.core import PEER, FakeClient
from tests.support import Case

CHANNEL = Channel(encrypted=True, exporter=b"e" * 32)
OTHER_CHANNEL = Channel(encrypted=True, exporter=b"f" * 32)
ACCEPTED = (Scheme.ED25519, Scheme.SCRAM_PLUS, Scheme.SCRAM)
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PASSWORD = "correct horse battery staple"


class IdentificationTests(Case):
    """Logins with the checkers of a keyring."""

    def setUp(self) -> None:
        self.clock = Clock()
        keyring = MemoryKeyring()
        verifier = ScramVerifier.make(PASSWORD, b"s" * 16, 4096)
        for name, material in (("alice", KEY.public_key()), ("bob", verifier)):
            self.successResultOf(Deferred.fromCoroutine(keyring.add(StoredCredential(f"1-{name}", name, material))))
        portal = component_portal(keyring_checkers(keyring, self.clock.seconds))
        logins = Logins(portal, Offers([keyring.find]), TrustDomain("pkid.test"))
        self.service = BrokerService(
            Terms(), MemoryBrokerStore(), logins.begin, self.clock, Strangers(self.clock.seconds), server="pkid.test"
        )

    def connect(self) -> FakeClient:
        """Connect a client."""
        client = FakeClient()
        client.session = self.service.connect(client, Approach("test", PEER, CHANNEL, ACCEPTED), offered=False)
        return client

    def log_in(self, client: FakeClient, name: str, credential: OwnCredential, channel: Channel = CHANNEL) -> None:
        """Prove a name as a component does; see that the core proves itself if it says that the proof is good."""
        (challenge,) = client.say(Identify(1, name))
        assert isinstance(challenge, Challenge) and isinstance(challenge.challenge, bytes)
        invitation = Invitation("pkid.test", challenge.challenge, challenge.offers, channel)
        attempt = begin_attempt(invitation, name, credential, CLIENT_NONCE)
        (*_, answer) = [None, *client.say(Prove(2, name, attempt.start()))]
        if isinstance(answer, Challenge):
            assert isinstance(answer.challenge, ScramAnswer)
            (*_, answer) = [None, *client.say(Prove(3, name, attempt.go_on(answer.challenge.message)))]
        if isinstance(answer, Welcome):
            assert isinstance(answer.evidence, bytes)
            attempt.check(answer.evidence)

    def test_a_key_proves_its_name(self) -> None:
        client = self.connect()
        self.log_in(client, "alice", OwnKey(KEY))
        (reply,) = client.replies[1:]
        assert isinstance(reply, Welcome)
        self.assertEqual(reply.identity, Identity("alice", True))
        self.assertEqual(client.session.credential, "key:1-alice")
        self.assertEqual(self.service.tally.logins, {("ed25519", "allowed"): 1})

    def test_a_password_proves_its_name_in_two_steps(self) -> None:
        client = self.connect()
        self.log_in(client, "bob", OwnPassword(PASSWORD))
        self.assertEqual([type(reply) for reply in client.replies], [Challenge, Challenge, Welcome])
        self.assertEqual(self.service.tally.logins, {("SCRAM-SHA-256-PLUS", "allowed"): 1})

    def test_a_wrong_key_or_password_is_refused_and_counted(self) -> None:
        for name, credential in (("alice", OwnKey(Ed25519PrivateKey.generate())), ("bob", OwnPassword("wrong"))):
            client = self.connect()
            self.log_in(client, name, credential)
            self.assertIs(client.closed, CloseReason.LOGIN_FAILED)
        refused = {("ed25519", "denied"): 1, ("SCRAM-SHA-256-PLUS", "denied"): 1}
        self.assertEqual(self.service.tally.logins, refused)

    def test_a_proof_for_another_connection_is_refused(self) -> None:
        for name, credential in (("alice", OwnKey(KEY)), ("bob", OwnPassword(PASSWORD))):
            client = self.connect()
            self.log_in(client, name, credential, OTHER_CHANNEL)
            self.assertIs(client.closed, CloseReason.LOGIN_FAILED)
