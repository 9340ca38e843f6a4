"""What the tests of whole logins share: keys, one keyring, and a component that answers honestly."""

from __future__ import annotations

from datetime import timedelta

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred, execute, succeed

from pkid.auth.authentication import Authentication
from pkid.auth.component_keyring import Material, MemoryKeyring, StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.login import Login
from pkid.auth.proofs import Admission, Greeting, Proof, ScramAnswer, ScramFinish, ScramStart, SignedProof
from pkid.auth.schemes import PLAIN, Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.scram_client import ScramClient
from pkid.auth.signatures import sign
from pkid.auth.transcript import BindingType, Channel, Transcript
from pkid.auth.unbound import StoredKeys
from pkid.ca.keys import KeyType
from pkid.ca.ledger import Entry
from pkid.errors import Reason, Refused
from tests.auth.logins import CLIENT_NONCE, EXPORTER, SERVER_NONCE, outcome, surroundings
from tests.certificates import NOON, private_key
from tests.support import Case

__all__ = ["BOUND", "GREETING", "KEYS", "NOISE", "PASSWORD", "TLS", "VERIFIER", "LoginCase"]

KEYS = {
    Scheme.RSA_PSS: private_key(KeyType.RSA2048),
    Scheme.ECDSA_P256: private_key(KeyType.P256),
    Scheme.ECDSA_P384: private_key(KeyType.P384),
    Scheme.ED25519: private_key(KeyType.ED25519),
}
PASSWORD = "correct horse"
VERIFIER = ScramVerifier.make(PASSWORD, b"saltsalt", 4096)
BOUND = tuple(scheme for scheme in Scheme if scheme not in PLAIN)
TLS = Channel(True, EXPORTER)
GREETING = Greeting("core.example", SERVER_NONCE, TLS, BOUND)
NOISE = b"\x5a" * 64


class LoginCase(Case):
    """Has one keyring for all logins."""

    def setUp(self) -> None:
        self.keyring = MemoryKeyring()
        self.psks = Keyring([], lambda: self.now)
        self.derivation = KeyDerivation(lambda work: execute(work), workers=1)
        self.ledger: dict[bytes, Entry] = {}
        self.certificate: bytes | None = None
        self.ours = True
        self.privileged: set[str] = set()
        self.now = NOON.timestamp()
        self.count = 0

    def add(self, component: str, material: Material, days: float | None = None) -> StoredCredential:
        self.count += 1
        expires = None if days is None else NOON + timedelta(days=days)
        credential = StoredCredential(str(self.count), component, material, expires)
        outcome(self.keyring.add(credential))
        return credential

    def authentication(self, *more: tuple[str, ICredentialsChecker], decoys: Decoys | None = None) -> Authentication:
        """Return what checks the proofs: the keyring, the pre-shared keys, certificates, and some more."""
        core = surroundings(
            lambda: self.now,
            psks=self.psks, derivation=self.derivation, store=self.keyring,
            find_entry=self.find_entry, is_ours=lambda _: self.ours, has_rights=self.privileged.__contains__,
        )  # fmt: skip
        return Authentication([("store", StoredKeys()), *more], core, None if decoys is None else lambda _: decoys)

    def find_entry(self, sha256: bytes) -> Deferred[Entry | None]:
        """Find a certificate in the ledger."""
        return succeed(self.ledger.get(sha256))

    def login(
        self, greeting: Greeting = GREETING, *more: tuple[str, ICredentialsChecker], decoys: Decoys | None = None
    ) -> Login:
        return self.authentication(*more, decoys=decoys).logins.begin(greeting, "192.0.2.1", self.certificate)

    def seen(self, scheme: Scheme, offers: tuple[str, ...], name: str = "alice", channel: Channel = TLS) -> Transcript:
        """Return the transcript of an honest component."""
        bound = channel.exporter is not None and scheme is not Scheme.SCRAM
        kind = BindingType.TLS_EXPORTER if bound else BindingType.NONE
        value = channel.exporter if bound and channel.exporter else b""
        return Transcript("core.example", SERVER_NONCE, CLIENT_NONCE, name, offers, scheme.value, kind, value)

    def signed(self, scheme: Scheme, transcript: Transcript) -> SignedProof:
        return SignedProof(scheme, CLIENT_NONCE, transcript.binding_type, sign(KEYS[scheme], transcript))

    def refused(self, login: Login, proof: Proof, name: str = "alice") -> None:
        """Fail the test unless a proof is refused as any other."""
        refused = self.assertRaises(Refused, outcome, login.prove(name, proof))
        self.assertEqual((refused.reason, refused.subject), (Reason.PROOF_FAILED, ""))
        self.assertIsNone(refused.__cause__)

    def admitted(self, login: Login, proof: Proof, name: str = "alice") -> Admission:
        """Return whom a proof admits."""
        admission = outcome(login.prove(name, proof))
        assert isinstance(admission, Admission)
        return admission

    def scram(self, login: Login, mine: Transcript, password: str = PASSWORD) -> ScramClient:
        """Take the first step of SCRAM and the second, but for the core's answer to it."""
        client = ScramClient(password, mine)
        answer = outcome(login.prove(mine.component, ScramStart(Scheme(mine.chosen), CLIENT_NONCE, client.start())))
        assert isinstance(answer, ScramAnswer)
        self.final = ScramFinish(client.prove(answer.message))
        return client
