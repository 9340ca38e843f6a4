"""``pkid ca passphrase``: what it changes, what it leaves alone, and how it asks."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from pkid.ca.keys import key_bytes
from pkid.ca.pem import read_certificates, read_key, write_certificates, write_key
from pkid.shell.passphrase import main
from pkid.state import KeyPair, StateDirectory
from tests.certificates import root
from tests.interop.terminal import Terminal
from tests.support import Case
from tests.test_layers import is_within, loaded_by

CHECKOUT = Path(__file__).resolve().parents[2]
OLD, NEW = "open sesame, once", "open sesame, twice"


class PassphraseCase(Case):
    def setUp(self) -> None:
        self.state = Path(self.mktemp()).resolve()
        self.state.mkdir(0o700, parents=True)
        self.path = self.state / "ca.pem"
        self.asked: list[str] = []
        self.said = ""

    def store(self, passphrase: str | None = None) -> None:
        """Keep the CA as a core does."""
        with StateDirectory(self.state) as state:
            state.save_pair("ca", KeyPair(root().key, root().certificate), passphrase)

    def file(self, name: str, content: str) -> str:
        path = self.state / name
        path.write_text(content)
        return str(path)

    def run_it(self, *arguments: str, answers: tuple[str, ...] = (), **environ: str) -> int:
        """Run it for this state directory; *answers* are what a person types."""
        typed = iter(answers)

        def ask(prompt: str) -> str:
            self.asked.append(prompt)
            return next(typed)

        output = io.StringIO()
        with redirect_stdout(output), redirect_stderr(output):
            status = main(arguments or ("--state", str(self.state)), {"PKID_STATE": str(self.state), **environ}, ask)
        self.said = output.getvalue()
        return status

    def opens_with(self, passphrase: str | None, path: Path | None = None) -> None:
        content = (path or self.path).read_bytes()
        key = read_key(content, passphrase)
        self.assertEqual(b"ENCRYPTED" in content, passphrase is not None)
        self.assertEqual(key_bytes(key.public_key()), key_bytes(root().key.public_key()))

    def refused(self, words: str, *arguments: str, answers: tuple[str, ...] = (), **environ: str) -> None:
        """Check that nothing is changed, and that one line says why."""
        before = (self.path.read_bytes(), self.path.stat().st_ino)
        self.assertEqual(self.run_it(*arguments, answers=answers, **environ), 1)
        self.assertIn(words, self.said)
        self.assertEqual(self.said.count("\n"), 1)
        for secret in filter(None, (OLD, NEW, "wrong one", *answers)):
            self.assertNotIn(secret, self.said)
        self.assertEqual((self.path.read_bytes(), self.path.stat().st_ino), before)


class ChangeTests(PassphraseCase):
    def test_set_changed_and_removed_by_a_person(self) -> None:
        self.store()
        self.assertEqual(self.run_it(answers=(OLD, OLD)), 0)
        self.opens_with(OLD)
        self.assertIn("the core needs at its next start", self.said)
        self.assertEqual(self.run_it(answers=(OLD, NEW, NEW)), 0)
        self.opens_with(NEW)
        self.assertEqual(self.run_it("--remove", answers=(NEW,)), 0)
        self.opens_with(None)
        self.assertIn("not encrypted any more", self.said)
        self.assertNotIn(NEW, self.said + "".join(self.asked))

    def test_from_files_and_from_the_environment(self) -> None:
        self.store(OLD)
        old, new = self.file("old", f"{OLD}\n"), self.file("new", f"{NEW}\r\n")
        self.assertEqual(self.run_it("--old-pass-file", old, "--new-pass-file", new, PKID_OLD_PASS="wrong one"), 0)
        self.opens_with(NEW)
        self.assertEqual(self.run_it(PKID_OLD_PASS=NEW, PKID_NEW_PASS=OLD), 0)
        self.opens_with(OLD)
        self.assertEqual(self.asked, [])

    def test_the_certificate_stays_and_the_file_is_private(self) -> None:
        self.store()
        self.path.chmod(0o644)
        self.run_it(answers=(NEW, NEW))
        self.assertEqual(read_certificates(self.path.read_bytes()), (root().certificate,))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual([path.name for path in self.state.iterdir() if path.name.startswith(".")], [])

    def test_the_key_of_an_own_ca_where_a_link_leads_with_its_group(self) -> None:
        key = self.state / "own.key"
        notes = b"ours, since 2031\n" + write_certificates([root().certificate])
        key.write_bytes(write_key(root().key) + notes)
        key.chmod(0o640)
        link = self.state / "link"
        link.symlink_to(key)
        self.assertEqual(self.run_it("--ca-cert-key", str(link), answers=(NEW, NEW)), 0)
        self.assertTrue(link.is_symlink())
        self.opens_with(NEW, key)
        self.assertTrue(key.read_bytes().endswith(notes))
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o640)

    def test_the_file_still_belongs_to_its_owner(self) -> None:
        self.store()
        owners: list[tuple[int, int]] = []
        theirs = os.stat_result((0o100600, 0, 0, 1, 4711, 4712, 0, 0, 0, 0))
        with (
            patch.object(Path, "stat", lambda *_, **__: theirs),
            patch.object(os, "fchown", lambda _, *owner: owners.append(owner)),
        ):
            self.run_it(answers=(NEW, NEW))
        self.assertEqual(owners, [(4711, 4712)])

    def test_a_short_one_is_told(self) -> None:
        self.store()
        self.assertEqual(self.run_it(answers=("sesame", "sesame")), 0)
        self.assertIn("it is short", self.said)

    def test_the_default_is_the_state_directory_of_this_user(self) -> None:
        self.store()
        self.path.rename(self.state / "pkid.pem")
        for variable, folder in (("XDG_STATE_HOME", "pkid"), ("HOME", ".local/state/pkid")):
            home = self.state / folder
            home.mkdir(parents=True)
            (home / "ca.pem").write_bytes((self.state / "pkid.pem").read_bytes())
            with redirect_stdout(io.StringIO()) as output:
                self.assertEqual(main(["--remove"], {variable: str(self.state)}), 0)
            self.assertIn(str(home), output.getvalue())


class RefusalTests(PassphraseCase):
    def test_a_wrong_old_one_changes_nothing(self) -> None:
        self.store(OLD)
        self.refused("cannot be decrypted", answers=("wrong one", NEW, NEW))
        self.refused("holds an encrypted key", answers=("", NEW, NEW))

    def test_a_new_one_that_is_none(self) -> None:
        self.store()
        self.refused("not the same", answers=(NEW, OLD))
        self.refused("is empty", answers=("", ""))
        self.refused("is empty", PKID_NEW_PASS="")
        self.refused("one printable line", PKID_NEW_PASS="two\nlines")
        self.refused("one printable line", PKID_NEW_PASS="x" * 1024)
        binary = self.state / "binary"
        binary.write_bytes(b"\xff\n")
        self.refused("one line of UTF-8", "--new-pass-file", str(binary))

    def test_files_that_cannot_be_used(self) -> None:
        self.store()
        self.refused("cannot be read", "--new-pass-file", str(self.state / "none"))
        self.refused("cannot be read", "--ca-cert-key", str(self.state / "none"))
        self.refused("cannot be read (Is a directory)", "--ca-cert-key", str(self.state))
        other = self.file("other", "nothing")
        self.refused("no PEM private key", "--ca-cert-key", other)
        self.refused(
            "several private keys",
            "--ca-cert-key",
            self.file("two", write_key(root().key).decode() * 2),
            answers=(NEW, NEW),
        )
        with patch.object(os, "fsync", side_effect=OSError(28, "No space left on device")):
            self.refused("cannot be written (No space left on device)", answers=(NEW, NEW))

    def test_an_interruption_changes_nothing(self) -> None:
        self.store()
        before = self.path.read_bytes()
        for interruption in (KeyboardInterrupt, EOFError):

            def ask(_: str, interruption: type[BaseException] = interruption) -> str:
                raise interruption

            with redirect_stderr(io.StringIO()):
                self.assertEqual(main(["--state", str(self.state)], {}, ask), 130)
        self.assertEqual(self.path.read_bytes(), before)

    def test_a_passphrase_is_no_argument(self) -> None:
        self.store()
        for arguments in (("--new-pass", NEW), (NEW,), ("--remove", "--new-pass-file", "x")):
            with redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as caught:
                main(arguments, {})
            self.assertEqual(caught.exception.code, 2)


class ProgramTests(PassphraseCase):
    """The program itself."""

    command = (sys.executable, "-m", "pkid.shell.passphrase")

    def test_it_asks_on_a_terminal_and_does_not_show_what_is_typed(self) -> None:
        self.store()
        environment = {"PYTHONPATH": str(CHECKOUT), "PATH": os.environ["PATH"]}
        with Terminal([*self.command, "--state", str(self.state)], self.state, environment) as terminal:
            terminal.expect("new passphrase: ")
            terminal.type(NEW)
            terminal.expect("again: ")
            terminal.type(NEW)
            terminal.expect("is encrypted with the new passphrase")
            self.assertEqual(terminal.shown.count(NEW), 0)
        self.opens_with(NEW)

    def test_without_a_terminal_it_says_what_to_do(self) -> None:
        self.store()
        done = subprocess.run(
            [*self.command, "--state", str(self.state)],
            cwd=CHECKOUT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("--new-pass-file", done.stderr)

    def test_it_loads_nothing_of_twisted(self) -> None:
        loaded = loaded_by("pkid.shell.passphrase")
        self.assertEqual([name for name in loaded if is_within(name, "twisted", "pkid.settings")], [])
