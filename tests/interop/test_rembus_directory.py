"""A directory of Rembus's broker, with the original's own library: keys, admins, tenants and private topics."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pkid.ca.keys import KeyType, PrivateKey
from tests.certificates import private_key
from tests.daemon import Daemon
from tests.interop.core import WITH_PSK
from tests.interop.test_rembus import WS, RembusCase


class DirectoryTests(RembusCase):
    """A directory as the original broker keeps it: keys, admins, tenants and private topics."""

    program = "rembus_directory"

    def setUp(self) -> None:
        super().setUp()
        self.broker = self.directory / "broker"
        (self.broker / "keys").mkdir(parents=True)

    def says(self, **lists: object) -> None:
        """Write lists."""
        for name, content in lists.items():
            self.write(self.broker / f"{name}.json", json.dumps(content).encode())

    def has_key(self, file: str, key: PrivateKey, encoding: Encoding = Encoding.PEM) -> None:
        """Give a component a key as the original does: the public half to the broker, the other one to itself."""
        (self.directory / file.partition(".")[0]).mkdir()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self.write(self.directory / file.partition(".")[0] / ".secret", private)
        public = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        self.write(self.broker / "keys" / file, public)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file for its owner alone."""
        path.touch(0o600)
        path.write_bytes(content)

    def test_tenants_have_pins_of_their_own_and_share_nothing(self) -> None:
        self.says(tenants={"org": "11223344", "net": "55667788"})
        self.start("--auth", f"keydir:{self.broker}")
        found = self.run_client("tenants", "11223344", "55667788")
        for case in ("wrong pin", "of another", "no tenant"):
            self.assertIn("wrong tenant/pin", found[case])
        for case in ("alice.org", "bob.org", "carol.net", "eve.net"):
            self.assertEqual(found[case], "done", found)
        self.assertIn("NAME_ALREADY_TAKEN", found["taken"])
        self.assertIn("login failed", found["not registered"])
        self.assertEqual(
            found["received"],
            {name: [message] * 2 for name, message in
             (("alice.org", "from org"), ("carol.net", "from net"), ("dave", "from nobody"))},
        )  # fmt: skip
        self.assertEqual([found["bob calls"], found["bob calls alice"]], ["here", "here"])
        for who in ("carol", "nobody"):
            self.assertEqual(found[f"{who} calls"], "RembusError: METHOD_NOT_FOUND:service")
            self.assertEqual(found[f"{who} calls alice"], "RembusError: TARGET_NOT_FOUND:alice.org")

    def test_its_keys_and_lists_count_and_are_followed(self) -> None:
        self.has_key("root.ecdsa.pem", private_key(KeyType.P256))
        self.has_key("alice", private_key(KeyType.RSA2048))
        self.has_key("bob.rsa.der", private_key(KeyType.RSA2048, owner="bob"), Encoding.DER)
        self.says(admins=["root"], topic_auth={"secret": ["alice"]}, tenants={".": "11223344"})
        self.start("--auth", f"keydir:{self.broker}")
        found = self.run_client("directory", str(self.broker))
        for case in (
            "root makes private", "alice subscribes", "dave registers", "bob then", "admin then", "eve then",
        ):  # fmt: skip
            self.assertEqual(found[case], "done", found)
        for case in (
            "alice makes private", "bob subscribes", "nobody subscribes", "alice then", "root then",
            "bob without a key",
        ):  # fmt: skip
            self.assertIn("unauthorized", found[case])
        self.assertIn("wrong tenant/pin", found["eve registers"])
        self.assertEqual((found["claimant"], found["dave"]), ("pkid.internal", "dave"))
        self.assertIn("login failed", found["carol without hers"])

    def test_all_of_it_can_move_into_the_cores_own_store(self) -> None:
        self.has_key("root.ecdsa.pem", private_key(KeyType.P256))
        self.has_key("alice", private_key(KeyType.RSA2048))
        self.says(admins=["root"], topic_auth={"secret": ["alice"]}, tenants={"org": "11223344"})
        former = self.start("--auth", f"keydir:{self.broker}")
        told = self.command("broker keys import")
        self.assertIn("taken into the store: keys 2, tenants 1, rights 3", told)
        former.stop()
        self.daemon = Daemon(former.state, *WITH_PSK, *WS)
        self.daemon.start()
        self.addCleanup(self.daemon.stop)
        found = self.run_client("moved", "11223344")
        for case in ("root makes private", "alice subscribes", "bob registers"):
            self.assertEqual(found[case], "done", found)
        self.assertIn("unauthorized", found["nobody subscribes"])
        self.assertIn("login failed", found["alice without a key"])
