"""The ways to prove a name to the real daemon: directories of keys, PINs, certificates, passwords."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pkid.agent.runtime import Runtime
from pkid.auth.own_credential import OwnKey
from pkid.auth.proofs import CertificateProof, PasswordProof, Registration
from pkid.auth.schemes import Scheme
from pkid.broker.commands import Identify, Prove, Register
from pkid.ca.keys import KeyType, PrivateKey
from pkid.ca.pem import read_certificates
from pkid.errors import Reason
from pkid.line.client import Client, QoS, TrustingEndpoint
from pkid.line.client.errors import Denied
from pkid.line.events import Challenged, Closed, Errored, Succeeded, Welcomed
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, DaemonFailed, start_daemon
from tests.integration.lines import LinePeer
from tests.interop.core import WITH_PSK, ask, bearer
from tests.support import Case

KEY = private_key(KeyType.ED25519)
OTHER = private_key(KeyType.P256)


def pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def directory(test: Case | TestCase, **files: bytes) -> Path:
    """Make a directory of keys and lists."""
    path = Path(test.mktemp()).absolute()
    (path / "keys").mkdir(parents=True)
    for name, content in files.items():
        file = path / (f"{name}.json" if content[:1] in b"[{" else f"keys/{name}.pem")
        file.write_bytes(content)
        file.chmod(0o600)
    return path


class DirectoryTests(TestCase):
    """A directory of keys, as Rembus's broker has it."""

    timeout = 120

    async def component(self, daemon: Daemon, name: str, key: PrivateKey) -> Client:
        """Connect a component, until the end of the test."""
        (authority,) = read_certificates((daemon.state / "ca.crt").read_bytes())
        runtime = Runtime.of(reactor)
        endpoint = TrustingEndpoint.pinned(runtime, "localhost", daemon.address("line")[1], authority)
        client = Client(endpoint, runtime, name, OwnKey(key))
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected(1)
        await deferLater(reactor, 0)
        return client

    async def test_its_keys_prove_names_and_its_lists_give_rights_while_they_are_there(self) -> None:
        path = directory(self, superuser=pem(KEY), alice=pem(OTHER), admins=b'["superuser"]')
        daemon = await deferToThread(start_daemon, self, "--auth", f"keydir:{path}")
        superuser = await self.component(daemon, "superuser", KEY)
        alice = await self.component(daemon, "alice", OTHER)
        await superuser.private_topic("my_topic")
        with self.assertRaises(Denied) as denied:
            await alice.publish("my_topic", "hello", QoS.AT_LEAST_ONCE)
        self.assertIs(denied.exception.reason, Reason.FORBIDDEN)
        with self.assertRaises(Denied):
            await alice.private_topic("other")


class FollowingTests(Case):
    def test_a_name_that_gets_a_key_there_must_be_proven_from_then_on(self) -> None:
        path = directory(self, alice=pem(KEY))
        daemon = start_daemon(self, "--auth", f"keydir:{path}")
        claimant = LinePeer.of(self, daemon)
        self.assertFalse(self.welcomed(claimant.ask(Identify("1", "bob"))).proven)
        (path / "new").write_bytes(pem(OTHER))
        (path / "new").rename(path / "keys/bob.pem")
        self.assertEqual(claimant.next(Closed).code, "kicked")
        again = LinePeer.of(self, daemon).ask(Identify("1", "bob"))
        assert isinstance(again, Challenged)
        self.assertEqual(again.schemes, (Scheme.ECDSA_P256.value, Scheme.PSK.value))

    def welcomed(self, said: object) -> Welcomed:
        assert isinstance(said, Welcomed), said
        return said

    def test_a_directory_that_cannot_be_used_stops_the_start_in_one_line(self) -> None:
        for option, problem in (
            ("keydir:/nowhere", "/nowhere/keys is no directory; make it"),
            ("nobody", "--auth nobody is of a kind that nobody knows"),
        ):
            said = str(self.assertRaises(DaemonFailed, start_daemon, self, "--auth", option))
            self.assertIn(problem, said)
            self.assertNotIn("Traceback", said)


class RegistrationTests(Case):
    def test_a_tenants_pin_registers_keys_in_its_tenant_and_nowhere_else(self) -> None:
        path = directory(self, tenants=b'{"org": "11223344"}', admins=b'["root.org"]')
        daemon = start_daemon(self, "--auth", f"keydir:{path}")
        peer = LinePeer.of(self, daemon)
        for name, pin, code in (
            ("alice.org", "wrong", Reason.WRONG_PIN),
            ("alice", "11223344", Reason.WRONG_PIN),
            ("root.org", "11223344", Reason.NAME_TAKEN),
        ):
            refused = peer.ask(Register("1", name, Registration(pem(KEY), pin)))
            assert isinstance(refused, Errored), refused
            self.assertEqual(refused.code, code.code)
            peer = LinePeer.of(self, daemon)
        self.assertEqual(peer.ask(Register("2", "alice.org", Registration(pem(KEY), "11223344"))), Succeeded("2", None))
        daemon.kill()
        daemon.start()
        self.assertIsInstance(LinePeer.of(self, daemon).ask(Identify("1", "alice.org")), Challenged)
        claimed = LinePeer.of(self, daemon).ask(Identify("1", "bob.org"))
        assert isinstance(claimed, Errored)
        self.assertEqual(claimed.code, Reason.PROOF_NEEDED.code)


class PasswordTests(Case):
    def test_a_checker_of_twisted_takes_names_and_passwords_over_tls(self) -> None:
        names = Path(self.mktemp()).absolute()
        names.write_text("alice:correct horse\n")
        daemon = start_daemon(self, "--auth", f"file:{names}")
        peer = LinePeer.of(self, daemon)
        self.assertIn(Scheme.PASSWORD.value, peer.greeting.schemes)
        said = peer.ask(Prove("1", "alice", PasswordProof("correct horse")))
        self.assertEqual(said, Welcomed("1", "alice", True, b"", ""))
        wrong = LinePeer.of(self, daemon).ask(Prove("1", "alice", PasswordProof("wrong horse")))
        assert isinstance(wrong, Errored)
        self.assertEqual(wrong.code, Reason.PROOF_FAILED.code)
        self.assertNotIn("horse", daemon.output)

    def test_nobody_is_asked_for_a_password_unless_there_is_a_checker(self) -> None:
        daemon = start_daemon(self)
        peer = LinePeer.of(self, daemon)
        self.assertNotIn(Scheme.PASSWORD.value, peer.greeting.schemes)
        said = peer.ask(Prove("1", "alice", PasswordProof("correct horse")))
        assert isinstance(said, Errored)


class CertificateTests(Case):
    def setUp(self) -> None:
        self.daemon: Daemon = start_daemon(self, *WITH_PSK)

    def peer(self, **names: list[str]) -> LinePeer:
        """Connect with a certificate that the core signed for these names."""
        request = csr_pem(OTHER, common_name="superuser", **names)
        answer = ask(self.daemon, "POST", "/ca/sign", request, bearer())
        self.assertEqual(answer.status, 200, answer.body)
        file = Path(self.mktemp())
        file.write_bytes(OTHER.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + answer.body)
        peer = LinePeer(self.daemon, pair=file)
        self.addCleanup(peer.socket.close)
        return peer

    def test_the_identity_in_a_certificate_proves_the_name(self) -> None:
        peer = self.peer(uri=["spiffe://pkid.internal/alice"])
        self.assertEqual(peer.ask(Prove("1", "alice", CertificateProof())), Welcomed("1", "alice", True, b"", ""))

    def test_a_certificate_that_merely_names_the_superuser_proves_nothing(self) -> None:
        for names in ({"dns": ["superuser"]}, {"dns": ["superuser"], "uri": ["spiffe://pkid.internal/mallory"]}):
            said = self.peer(**names).ask(Prove("1", "superuser", CertificateProof()))
            assert isinstance(said, Errored), said
            self.assertEqual(said.code, Reason.PROOF_FAILED.code)


class UnknownNameTests(Case):
    def test_where_only_proven_names_are_served_unknown_ones_look_like_others(self) -> None:
        path = directory(self, alice=pem(KEY))
        daemon = start_daemon(self, "--authenticated", "--auth", f"keydir:{path}")
        before = {name: self.challenged(daemon, name) for name in ("alice", "bob", "carol")}
        self.assertEqual(len(set(before.values())), 1)
        daemon.stop()
        daemon.start()
        self.assertEqual({name: self.challenged(daemon, name) for name in before}, before)

    def challenged(self, daemon: Daemon, name: str) -> tuple[str, ...]:
        said = LinePeer.of(self, daemon).ask(Identify("1", name))
        assert isinstance(said, Challenged), said
        return said.schemes
