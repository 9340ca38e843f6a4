"""What a restart keeps and forgets: each row of the table in ``docs/operations.md``, with a real core."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pkid.auth.proofs import CertificateProof, Registration
from pkid.auth.tokens import body_digest, derive_key
from pkid.broker.commands import Identify, Prove, Publish, Register, Subscribe
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.keys import KeyType
from pkid.errors import Reason
from pkid.line.events import Errored, Succeeded, Welcomed
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.integration.test_names import directory
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.support import Case

KEYS = [private_key(KeyType.ED25519, owner) for owner in ("carol", "mallory")]
PUBLIC = [key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in KEYS]


class RestartCase(Case):
    def setUp(self) -> None:
        self.daemon: Daemon = start_daemon(self, *WITH_PSK, "--retain", "kept/**")

    def restart(self) -> None:
        """Cut the power, and start again."""
        self.daemon.kill()
        self.daemon.start()

    def command(self, text: str) -> list[Any]:
        """Run a command that gives items."""
        headers = {**bearer(), "Content-Type": "text/plain"}
        answer = ask(self.daemon, "POST", "/cli/execute", text.encode(), headers)
        self.assertEqual(answer.status, 200, answer.body)
        found: list[Any] = json.loads(answer.body)
        return found

    def register(self, name: str, pin: str, key: bytes) -> Any:
        return LinePeer.of(self, self.daemon).ask(Register("1", name, Registration(key, pin)))


class KeptTests(RestartCase):
    def test_certificates_and_what_was_asked_for_lately(self) -> None:
        request = csr_pem(dns=["a.example"])
        first = ask(self.daemon, "POST", "/ca/sign", request, bearer())
        self.restart()
        again = ask(self.daemon, "POST", "/ca/sign", request, bearer())
        self.assertEqual((first.status, again.body), (200, first.body))

    def test_keys_rights_and_tenants(self) -> None:
        for made in ("keys add alice --secret", "private_topic secret", "role assign alice admin", "tenant add acme"):
            self.command(f"broker {made}")
        shown = [f"broker {each}" for each in ("keys list", "rights", "tenant list")]
        before = [self.command(each) for each in shown]
        self.assertTrue(all(before))
        self.restart()
        self.assertEqual([self.command(each) for each in shown], before)

    def test_a_pin_for_a_name_is_good_after_a_restart_and_used_once(self) -> None:
        (found,) = self.command("broker register carol")
        self.restart()
        self.assertEqual(self.register("carol", found["pin"], PUBLIC[0]), Succeeded("1", None))
        self.restart()
        said = self.register("carol", found["pin"], PUBLIC[1])
        assert isinstance(said, Errored), said
        self.assertEqual(said.code, Reason.WRONG_PIN.code)
        self.assertNotIn(found["pin"].replace("-", ""), self.daemon.output)


class ForgottenTests(RestartCase):
    def test_which_bound_tokens_were_used_so_that_none_from_before_is_accepted(self) -> None:
        body = b"system info"
        kept, later = self.bound(body), self.bound(body)
        self.assertEqual(self.execute(body, later), 200)
        self.restart()
        self.assertEqual((self.execute(body, kept), self.execute(body, later)), (401, 401))
        self.assertEqual(self.execute(body, self.bound(body)), 200)

    def bound(self, body: bytes) -> dict[str, str]:
        """Return the header of a token that is good for this command, once."""
        salt, now = os.urandom(16), time()
        claims = {
            "iat": now, "exp": now + 60, "jti": os.urandom(8).hex(),
            "htm": "POST", "htp": "/cli/execute", "htd": body_digest(body),
        }  # fmt: skip
        token = jwt.encode(claims, derive_key(PSK, salt), "HS256", headers={"salt": b64encode(salt).decode()})
        return {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}

    def execute(self, body: bytes, headers: dict[str, str]) -> int:
        return ask(self.daemon, "POST", "/cli/execute", body, headers).status

    def test_the_numbers_by_which_a_publication_is_passed_on_once(self) -> None:
        file = self.identity("alice")
        for expected in (1, 1):
            self.publish(file)
            self.assertEqual(self.messages(), expected)
        self.restart()
        self.publish(file)
        self.assertEqual(self.messages(), 2)

    def identity(self, name: str) -> Path:
        """Return a file with a certificate that proves a name, and its key."""
        request = csr_pem(uri=[f"spiffe://pkid.internal/{name}"])
        file = Path(self.mktemp())
        key = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key + ask(self.daemon, "POST", "/ca/sign", request, bearer()).body)
        return file

    def publish(self, file: Path) -> None:
        """Connect, publish exactly once under a number, and go without a word."""
        peer = LinePeer(self.daemon, pair=file)
        self.addCleanup(peer.socket.close)
        self.assertIsInstance(peer.ask(Prove("1", "alice", CertificateProof())), Welcomed)
        payload = Payload(PayloadKind.TEXT, b"once")
        peer.send(Publish("r1", "kept/a", payload, 4, QoS.EXACTLY_ONCE))
        self.assertEqual(peer.next(Succeeded), Succeeded("r1", None))
        peer.socket.close()

    def messages(self) -> int:
        with closing(sqlite3.connect(self.daemon.state / "messages.sqlite")) as kept:
            return int(kept.execute("SELECT count(*) FROM messages").fetchone()[0])

    def test_what_names_that_nobody_proved_want(self) -> None:
        peer = LinePeer(self.daemon)
        peer.ask(Identify("1", "bob"))
        peer.ask(Subscribe("2", "news"))
        peer.socket.close()
        self.assertEqual([each["name"] for each in self.command("broker topics")], ["news"])
        self.restart()
        self.assertEqual(self.command("broker topics"), [])

    def test_how_often_somebody_guessed(self) -> None:
        codes = [self.register("carol", "wrong", PUBLIC[0]).code for _ in range(6)]
        self.assertEqual(codes, [Reason.WRONG_PIN.code] * 5 + [Reason.BUSY.code])
        self.restart()
        self.assertEqual(self.register("carol", "wrong", PUBLIC[0]).code, Reason.WRONG_PIN.code)

    def test_derived_keys_and_all_figures(self) -> None:
        headers = bearer()
        figures = []
        for _ in range(2):
            for _ in range(2):
                text = ask(self.daemon, "GET", "/metrics", headers=headers).body.decode()
                figures.append(re.findall(r"^pkid_derivations_total (.*)$", text, re.MULTILINE))
            self.restart()
        self.assertEqual(figures, [["1.0"]] * 4)

    def test_what_a_directory_of_keys_lists_no_longer(self) -> None:
        path = directory(self, topic_auth=b'{"secret": ["alice"]}')
        self.daemon = start_daemon(self, *WITH_PSK, "--auth", f"keydir:{path}")
        self.assertIn({"topic": "secret", "is": "private"}, self.command("broker rights"))
        (path / "topic_auth.json").write_bytes(b"{}")
        self.restart()
        self.assertEqual(self.command("broker rights"), [])
