"""The state directory is private, has one owner, and gives back what was put into it, or says what is wrong."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from pkid.ca.keys import KeyType
from pkid.ca.names import TrustDomain
from pkid.errors import StateError
from pkid.state import KeyPair, StateDirectory
from tests.certificates import private_key, root
from tests.support import Case

CHECKOUT = Path(__file__).resolve().parents[1]
OPEN_IT = (
    "import sys; from pathlib import Path; from pkid.state import StateDirectory; StateDirectory(Path(sys.argv[1]))"
)

PAIR = KeyPair(root().key, root().certificate)
CERTIFICATE = root().certificate.public_bytes(Encoding.PEM)


def pem(key: KeyType | str, protection: object = NoEncryption()) -> bytes:
    owner = private_key(KeyType.P256, key) if isinstance(key, str) else private_key(key, "authority")
    return owner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)  # type: ignore[arg-type]


class StateCase(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).resolve() / "state"

    def open(self, path: Path | None = None) -> StateDirectory:
        state = StateDirectory(path or self.path)
        self.addCleanup(self.close, state)
        return state

    def close(self, state: StateDirectory) -> None:
        if state.path.exists():
            state.close()

    def refused(self, work: Callable[[], object], path: Path, *words: str) -> None:
        """Check that *work* is refused, naming *path*, in one line with these words."""
        error = self.assertRaises(StateError, work)
        self.assertEqual(error.path, path)
        self.assertNotIn("\n", str(error))
        for word in (str(path), *words):
            self.assertIn(word, str(error))


class DirectoryTests(StateCase):
    def test_it_is_made_private_under_any_umask(self) -> None:
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.open()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((self.path / "lock").stat().st_mode), 0o600)

    def test_one_that_others_may_write_is_refused(self) -> None:
        for mode in (0o770, 0o702, 0o1777):
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(mode)
            self.refused(self.open, self.path, "written by others", "chmod 700")
            self.assertEqual(list(self.path.iterdir()), [])
        self.path.chmod(0o755)
        self.open()

    def test_one_of_another_user_is_refused(self) -> None:
        self.path.mkdir(parents=True, mode=0o700)
        for owner, fits in ((os.geteuid() + 1, False), (0, True), (os.geteuid(), True)):
            found = os.stat_result((0o40700, 0, 0, 1, owner, 0, 0, 0, 0, 0))
            with patch.object(Path, "stat", lambda *_, found=found, **__: found):
                if fits:
                    StateDirectory(self.path).close()
                else:
                    self.refused(self.open, self.path, "another user", "as that user", "chown")

    def test_what_a_crash_left_of_a_write_is_removed(self) -> None:
        self.path.mkdir(parents=True, mode=0o700)
        for name in (".ca.pem.17.new", ".new", "ca.new"):
            (self.path / name).write_text("half")
        self.open()
        self.assertEqual({path.name for path in self.path.iterdir()}, {".new", "ca.new", "lock"})

    def test_what_is_no_directory(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_text("mine")
        self.refused(self.open, self.path, "--state")
        self.assertEqual(self.path.read_text(), "mine")

    def test_one_that_cannot_be_made(self) -> None:
        self.refused(lambda: self.open(Path("/proc/pkid")), Path("/proc/pkid"), "cannot be made", "--state")

    def test_a_link_in_place_of_the_lock(self) -> None:
        self.path.mkdir(parents=True)
        precious = self.path / "precious"
        precious.write_text("mine")
        (self.path / "lock").symlink_to(precious)
        self.refused(self.open, self.path / "lock")
        self.assertEqual(precious.read_text(), "mine")

    def test_a_directory_in_place_of_the_lock(self) -> None:
        (self.path / "lock").mkdir(parents=True)
        self.refused(self.open, self.path / "lock")


class LockTests(StateCase):
    def test_a_second_one_is_refused_and_told_who_has_it(self) -> None:
        self.open()
        self.refused(self.open, self.path, f"in use by another pkid (process {os.getpid()})", "--state")

    def test_another_process_is_refused_too(self) -> None:
        self.open()
        ended = subprocess.run(
            [sys.executable, "-c", OPEN_IT, str(self.path)], cwd=CHECKOUT, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(ended.returncode, 1)
        self.assertIn("is in use by another pkid", ended.stderr)

    def test_it_can_be_opened_after_it_was_closed_or_its_owner_was_killed(self) -> None:
        with StateDirectory(self.path):
            pass
        pid = os.fork()
        if pid == 0:
            try:
                StateDirectory(self.path)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        self.assertEqual((self.path / "lock").read_text(), f"{pid}\n")
        self.open()
        self.assertEqual((self.path / "lock").read_text(), f"{os.getpid()}\n")

    def test_the_addresses_are_gone_with_their_owner(self) -> None:
        state = StateDirectory(self.path)
        state.save_addresses(["https ::1 8900"])
        self.assertEqual(state.addresses.read_text(), "https ::1 8900\n")
        state.close()
        self.assertFalse(state.addresses.exists())


class FileTests(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.state = self.open()

    def put(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        path = self.path / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def damaged(self, load: Callable[[], object], path: Path, *words: str) -> None:
        """Check that a file is refused and left as it is."""
        before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        self.refused(load, path, *words)
        self.assertEqual((path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode), before)

    def test_what_is_saved_is_loaded_and_private(self) -> None:
        self.state.save_pair("ca", PAIR)
        self.state.save_psk("a secret")
        self.state.save_trust_domain(TrustDomain("example.org"))
        self.state.publish_certificate("ca", PAIR.certificate)
        loaded = self.state.load_pair("ca")
        assert loaded is not None
        self.assertEqual(loaded.certificate, PAIR.certificate)
        self.assertEqual(self.state.load_psk(), "a secret")
        self.assertEqual(self.state.load_trust_domain(), TrustDomain("example.org"))
        self.state.save_decoy_key(b"k" * 32)
        self.assertEqual(self.state.load_decoy_key(), b"k" * 32)
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in self.path.iterdir()}
        private = dict.fromkeys(("ca.pem", "psk", "decoy-key", "lock"), 0o600)
        self.assertEqual(modes, {**private, "ca.crt": 0o644, "trust-domain": 0o644})

    def test_what_is_not_there(self) -> None:
        self.assertEqual((self.state.load_pair("ca"), self.state.load_psk()), (None, None))
        self.assertIsNone(self.state.load_trust_domain())
        self.assertIsNone(self.state.load_decoy_key())
        self.assertIsNone(self.state.made_after_ca())

    def test_pairs_that_are_none(self) -> None:
        dsa_key = dsa.generate_private_key(1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        unknown = pem(KeyType.ED25519).replace(b"MC4CAQAwBQYDK2Vw", b"MC4CAQAwBQYDK2V9")
        whole = pem(KeyType.P256) + CERTIFICATE
        for content in (
            b"", b"nonsense", b"\0" * 300, CERTIFICATE, pem(KeyType.P256), whole[:-40], whole[40:],
            pem("somebody else") + CERTIFICATE,
            pem(KeyType.ED25519) + CERTIFICATE,
            unknown + CERTIFICATE,
            dsa_key + CERTIFICATE,
        ):  # fmt: skip
            path = self.put("ca.pem", content)
            self.damaged(lambda: self.state.load_pair("ca"), path, "restore it from a backup")

    def test_a_key_is_encrypted_on_request_and_its_certificate_is_not(self) -> None:
        self.state.save_pair("ca", PAIR, "open sesame")
        path = self.path / "ca.pem"
        self.assertIn(b"BEGIN ENCRYPTED PRIVATE KEY", path.read_bytes())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertTrue(self.state.is_encrypted("ca"))
        self.assertEqual(self.state.load_pair("ca", "open sesame"), PAIR)
        self.assertEqual(self.state.load_certificate("ca"), PAIR.certificate)
        self.damaged(lambda: self.state.load_pair("ca"), path, "encrypted key", "--ca-cert-key-pass-file")
        self.damaged(lambda: self.state.load_pair("ca", "x"), path, "cannot be decrypted", "--ca-cert-key-pass-file")

    def test_a_passphrase_for_a_plain_key_is_not_used(self) -> None:
        self.state.save_pair("ca", PAIR)
        self.assertFalse(self.state.is_encrypted("ca"))
        self.assertIsNotNone(self.state.load_pair("ca", "open sesame"))

    def test_a_certificate_without_its_key(self) -> None:
        self.assertIsNone(self.state.load_certificate("ca"))
        path = self.put("ca.pem", pem(KeyType.P256))
        self.damaged(lambda: self.state.load_certificate("ca"), path, "no PEM certificate", "backup")

    def test_keys_that_others_can_read(self) -> None:
        path = self.put("ca.pem", pem(KeyType.P256) + CERTIFICATE, 0o644)
        self.damaged(lambda: self.state.load_pair("ca"), path, "0644")

    def test_pre_shared_keys_that_are_none(self) -> None:
        for content in (b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"tab\t", b"\0"):
            self.damaged(self.state.load_psk, self.put("psk", content))
        self.damaged(self.state.load_psk, self.put("psk", b"secret\n", 0o640))

    def test_errors_do_not_hold_the_secret(self) -> None:
        error = self.assertRaises(StateError, lambda: (self.put("psk", b"hunter2\nx\n"), self.state.load_psk()))
        self.assertNotIn("hunter2", repr(error) + str(error))
        self.assertTrue(error.__suppress_context__ or error.__context__ is None)

    def test_trust_domains_that_are_none(self) -> None:
        for content in (b"", b"Example.org\n", b"a b", b"\xff", b"a\nb\n"):
            self.damaged(self.state.load_trust_domain, self.put("trust-domain", content))

    def test_keys_of_decoys_that_are_none(self) -> None:
        for content in (b"", b"k" * 64 + b"\n", b"00" * 31 + b"\n", b"00" * 33, b"\xff" * 32):
            self.damaged(self.state.load_decoy_key, self.put("decoy-key", content))

    def test_directories_in_place_of_files(self) -> None:
        for name in ("ca.pem", "psk", "trust-domain"):
            (self.path / name).mkdir()
        for load in (lambda: self.state.load_pair("ca"), self.state.load_psk, self.state.load_trust_domain):
            self.assertRaises(StateError, load)

    def test_what_cannot_be_written(self) -> None:
        (self.path / "psk").mkdir()
        self.refused(lambda: self.state.save_psk("a secret"), self.path / "psk", "cannot be written")
        self.assertEqual(sorted(entry.name for entry in self.path.iterdir()), ["lock", "psk"])
