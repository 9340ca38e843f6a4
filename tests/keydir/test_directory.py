"""Reading a directory of keys, whatever is in it."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkid.auth.component_keyring import SharedSecret
from pkid.ca.keys import KeyType
from pkid.errors import StateError
from pkid.keydir.directory import Contents, KeyFiles, default_directory
from tests.certificates import NOON, private_key
from tests.support import Case

KEY = private_key(KeyType.P256).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
RSA = private_key(KeyType.RSA2048).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)


class DirectoryCase(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        (self.path / "keys").mkdir(parents=True)
        self.files = KeyFiles(self.path)

    def put(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        """Replace a file at once, as one does."""
        path = self.path / name
        path.with_name("new").write_bytes(content)
        path.with_name("new").chmod(mode)
        path.with_name("new").replace(path)
        return path

    def problems(self, contents: Contents) -> list[str]:
        return [str(path.relative_to(self.path)) for path in contents.problems]


class KeyFilesTests(DirectoryCase):
    def test_keys_and_secrets_are_found_by_name(self) -> None:
        for name, content in (("a", b"hush hush"), ("b.ecdsa.pem", KEY), ("c.org.rsa.pem", RSA), ("b", b"another")):
            self.put(f"keys/{name}", content)
        contents = self.files.open()
        self.assertEqual(set(contents.credentials), {"a", "b", "c.org"})
        self.assertEqual(contents.credentials["a"][0].material, SharedSecret("hush hush"))
        self.assertEqual(contents.credentials["c.org"][0].identifier, "keydir/c.org.rsa.pem")
        self.assertEqual([len(contents.credentials[name]) for name in "ab"], [1, 2])
        self.assertEqual(contents.problems, {})

    def test_a_name_whose_key_cannot_be_used_is_reserved(self) -> None:
        self.put("keys/garbage.pem", b"garbage")
        self.put("keys/empty", b"")
        self.put("keys/huge", b"x" * (1 << 21))
        (self.path / "keys" / "folder").mkdir()
        (self.path / "keys" / "dangling").symlink_to("nowhere")
        (self.path / "keys" / "loop").symlink_to("loop")
        os.mkfifo(self.path / "keys" / "pipe")
        contents = self.files.open()
        names = {"garbage", "empty", "huge", "folder", "dangling", "loop", "pipe"}
        self.assertEqual(set(contents.credentials), names)
        self.assertEqual(len(contents.problems), len(names))
        for (credential,) in contents.credentials.values():
            self.assertFalse(credential.is_active(NOON.timestamp()))
            self.assertTrue(credential.schemes)

    def test_what_changes_is_read_again_and_nothing_else(self) -> None:
        self.put("keys/a", b"first")
        self.put("keys/b.pem", b"garbage")
        before = self.files.open()
        self.assertIs(self.files.read().credentials["b"][0].material, before.credentials["b"][0].material)
        self.put("keys/a", b"other")
        self.put("keys/b.pem", KEY)
        self.put("keys/c", b"third")
        now = self.files.read()
        self.assertEqual(now.credentials["a"][0].material, SharedSecret("other"))
        self.assertTrue(now.credentials["b"][0].is_active(NOON.timestamp()))
        self.assertIn("c", now.credentials)
        (self.path / "keys" / "a").unlink()
        self.assertNotIn("a", self.files.read().credentials)

    def test_while_nothing_changes_nothing_is_made_anew(self) -> None:
        self.put("keys/a.pem", KEY)
        self.put("keys/b.pem", b"garbage")
        self.put("tenants.json", b'{"org": "11223344"}')
        contents = self.files.open()
        self.assertIs(self.files.read(), contents)
        self.put("keys/a.pem", KEY)
        self.assertIsNot(self.files.read(), contents)

    def test_a_directory_that_is_gone_changes_nothing(self) -> None:
        self.put("keys/a", b"hush hush")
        before = self.files.open()
        (self.path / "keys").rename(self.path / "elsewhere")
        contents = self.files.read()
        self.assertEqual(contents.credentials, before.credentials)
        self.assertEqual(self.problems(contents), ["keys"])

    def test_without_keys_it_cannot_be_opened(self) -> None:
        (self.path / "keys").rmdir()
        self.assertIn("keys is no directory; make it", str(self.assertRaises(StateError, self.files.open)))

    def test_a_secret_that_others_can_read_is_said_and_used(self) -> None:
        self.put("keys/a", b"hush hush", 0o644)
        self.put("keys/b.pem", KEY, 0o644)
        contents = self.files.open()
        self.assertEqual(self.problems(contents), ["keys/a"])
        self.assertEqual(contents.credentials["a"][0].material, SharedSecret("hush hush"))
        (self.path / "keys/a").chmod(0o600)
        self.assertEqual(self.files.read().problems, {})

    def test_names_that_nobody_can_have_are_passed_over(self) -> None:
        self.put("keys/no name.pem", KEY)
        self.assertEqual(self.files.open().credentials, {})


class ListFilesTests(DirectoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.put("admins.json", b'["superuser"]')
        self.put("tenants.json", b'{"org": "11223344"}')
        self.put("topic_auth.json", b'{"my_topic": ["alice"]}')

    def test_lists_are_read(self) -> None:
        lists = self.files.open().lists
        self.assertEqual((lists.admins, set(lists.tenants)), ({"superuser"}, {"org"}))
        self.assertEqual({str(topic): names for topic, names in lists.topics.items()}, {"my_topic": {"alice"}})

    def test_without_lists_there_is_nothing(self) -> None:
        for name in ("admins", "tenants", "topic_auth"):
            (self.path / f"{name}.json").unlink()
        contents = self.files.open()
        self.assertEqual((contents.lists.admins, contents.lists.topics, contents.problems), (set(), {}, {}))

    def test_one_that_is_damaged_says_what_it_said_before(self) -> None:
        before = self.files.open().lists
        for name in ("admins", "tenants", "topic_auth"):
            self.put(f"{name}.json", b"{")
        contents = self.files.read()
        self.assertEqual(contents.lists, before)
        self.assertEqual(self.problems(contents), ["admins.json", "tenants.json", "topic_auth.json"])

    def test_one_that_says_what_is_protected_must_be_good_at_the_start(self) -> None:
        for name in ("tenants.json", "topic_auth.json"):
            self.setUp()
            self.put(name, b"{")
            self.assertIn(f"{name} is not JSON; mend it", str(self.assertRaises(StateError, self.files.open)))
        self.setUp()
        self.put("admins.json", b"{")
        contents = self.files.open()
        self.assertEqual((contents.lists.admins, self.problems(contents)), (set(), ["admins.json"]))

    def test_one_that_is_gone_gives_nobody_anything_and_opens_no_tenant(self) -> None:
        self.files.open()
        for name in ("admins", "tenants", "topic_auth"):
            (self.path / f"{name}.json").unlink()
        contents = self.files.read()
        lists = contents.lists
        self.assertEqual((lists.admins, lists.topics, set(lists.tenants)), (set(), {}, {"org"}))
        self.assertEqual(self.problems(contents), ["tenants.json"])


class DefaultDirectoryTests(Case):
    def test_the_environment_comes_first_then_what_is_there(self) -> None:
        home = {"HOME": "/home/me"}
        there = {Path("/home/me/.config/caronte")}
        for environ, expected in (
            (home | {"BROKER_DB": "/db", "REMBUS_DIR": "/rembus"}, "/db"),
            (home | {"REMBUS_DIR": "/rembus"}, "/home/me/.config/caronte"),
            (home, "/home/me/.config/caronte"),
        ):
            self.assertEqual(default_directory(environ, there.__contains__), Path(expected))
        nothing: set[Path] = set()
        self.assertEqual(default_directory(home, nothing.__contains__), Path("/home/me/.config/rembus/broker"))
        self.assertEqual(default_directory({"REMBUS_DIR": "/r"}, nothing.__contains__), Path("/r/broker"))
        self.assertRaises(StateError, default_directory, {})
