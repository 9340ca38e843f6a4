"""``pkid broker prove``: what it makes of what is pasted, with the core's own side at the other end."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from pkid.auth.login import Login
from pkid.auth.proofs import Admission, ScramAnswer
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.broker.commands import Prove
from pkid.broker.identity import Identity
from pkid.broker.replies import Challenge, Failed, Welcome
from pkid.ca.pem import write_key
from pkid.errors import Reason, Refused
from pkid.line.codec import CommandReader, write_greeting, write_reply
from pkid.shell.prove import main
from tests.auth.logins import EXPORTER, SERVER_NONCE, outcome
from tests.auth.test_component_login import KEYS, PASSWORD, VERIFIER, LoginCase
from tests.certificates import PSK, SALT
from tests.interop.openssl import openssl
from tests.shell.program import run

GREETING = write_greeting("core.example", SERVER_NONCE, tuple(Scheme)).decode()
S_CLIENT = f"""\
CONNECTED(00000003)
---
Keying material exporter:
    Label: 'EXPORTER-Channel-Binding'
    Length: 32 bytes
    Keying material: {EXPORTER.hex().upper()}
---
{GREETING}"""


class Conversation:
    """A person who carries lines between the core and the program.

    :ivar said: what the program wrote to standard output and to standard error.
    """

    def __init__(self, login: Login, pasted: str = S_CLIENT) -> None:
        self._login = login
        self._lines = pasted.splitlines(keepends=True)
        self.output, self.errors = io.StringIO(), io.StringIO()
        self._read = 0

    def __iter__(self) -> Conversation:
        return self

    def __next__(self) -> str:
        if not self._lines:
            self._carry()
        if not self._lines:
            raise StopIteration
        return self._lines.pop(0)

    def _carry(self) -> None:
        """Take what the program wrote to the core, and its answer back."""
        typed, self._read = self.output.getvalue()[self._read :], len(self.output.getvalue())
        if typed:
            reader = CommandReader()
            reader.feed(typed.encode())
            command = reader.read()
            assert isinstance(command, Prove)
            self._lines.append(self._answer(command))

    def _answer(self, command: Prove) -> str:
        try:
            answer = outcome(self._login.prove(command.name, command.proof))  # type: ignore[arg-type]
        except Refused:
            return write_reply(Failed(None, Reason.PROOF_FAILED)).decode()
        if isinstance(answer, ScramAnswer):
            return write_reply(Challenge(None, (), answer)).decode()
        assert isinstance(answer, Admission)
        return write_reply(Welcome(None, Identity(command.name, True), "", answer.evidence)).decode()


class ProveCase(LoginCase):
    def setUp(self) -> None:
        self.home = Path(self.mktemp()).resolve()
        self.home.mkdir(parents=True)

    def file(self, name: str, content: str | bytes, mode: int = 0o600) -> str:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return str(path)

    def prove(self, conversation: Conversation, *arguments: str, status: int = 0) -> str:
        """Run it for alice; return what it said to the person."""
        with redirect_stdout(conversation.output), redirect_stderr(conversation.errors):
            ended = main(
                ["alice", *arguments], {"REMBUS_DIR": str(self.home)}, conversation, lambda size: SALT * (size // 16)
            )
        said = conversation.errors.getvalue()
        self.assertEqual(ended, status, said)
        return said


class ProvingTests(ProveCase):
    """A core that accepts the proof, and one that does not."""

    def test_a_key_proves_the_name(self) -> None:
        for key in KEYS:
            self.file("keys/alice", write_key(key))
            self.assertIn("good", self.prove(Conversation(self.core(key.public_key()))))

    def test_a_password_proves_the_name_in_two_steps_and_the_core_proves_itself(self) -> None:
        self.file("keys/alice", f"{PASSWORD}\n")
        conversation = Conversation(self.core(VERIFIER))
        self.assertIn("good", self.prove(conversation))
        self.assertEqual([line.split()[0] for line in conversation.output.getvalue().splitlines()], ["PROVE", "FINISH"])

    def test_the_pre_shared_key_proves_the_name_and_the_core_proves_itself(self) -> None:
        file = self.file("psk", f"{PSK.secret}\n")
        self.assertIn("good", self.prove(Conversation(self.core(None)), "--psk-file", file))

    def test_another_file_may_hold_the_credential(self) -> None:
        file = self.file("elsewhere", write_key(KEYS[1]))
        self.prove(Conversation(self.core(KEYS[1].public_key())), "--credential", file)

    def test_an_unbound_proof_is_made_only_when_it_is_asked_for(self) -> None:
        self.file("keys/alice", write_key(KEYS[1]))
        plain = self.core(KEYS[1].public_key(), Channel(False))
        self.assertIn("keying material", self.prove(Conversation(plain, GREETING), status=1))
        self.assertIn("good", self.prove(Conversation(plain, GREETING), "--unbound"))

    def test_a_proof_for_another_connection_is_refused(self) -> None:
        self.file("keys/alice", write_key(KEYS[1]))
        conversation = Conversation(self.core(KEYS[1].public_key(), Channel(True, b"F" * 32)))
        self.assertIn("not accepted", self.prove(conversation, status=1))

    def test_the_greeting_may_come_before_the_keying_material(self) -> None:
        self.file("keys/alice", write_key(KEYS[1]))
        conversation = Conversation(self.core(KEYS[1].public_key()), f"{GREETING}{S_CLIENT.removesuffix(GREETING)}")
        self.assertIn("good", self.prove(conversation))

    def test_a_core_that_does_not_prove_itself_is_told(self) -> None:
        self.file("keys/alice", PASSWORD)
        welcome = "WELCOME alice proven\n"
        self.assertIn("did not prove", self.prove(Conversation(self.core(None), S_CLIENT + welcome), status=1))

    def test_a_welcome_under_another_name_is_none(self) -> None:
        self.file("keys/alice", write_key(KEYS[1]))
        for welcome in ("WELCOME alice claimed\n", "WELCOME bob proven\n"):
            self.prove(Conversation(self.core(KEYS[1].public_key()), S_CLIENT + welcome), status=1)


class MistakeTests(ProveCase):
    """What a person may get wrong."""

    def refused(self, pasted: str, *arguments: str) -> str:
        conversation = Conversation(self.core(None), pasted)
        said = self.prove(conversation, *arguments, status=1)
        self.assertEqual(conversation.output.getvalue(), "")
        return said

    def test_what_is_missing_is_said(self) -> None:
        self.file("keys/alice", PASSWORD)
        self.assertIn("greeting", self.refused(S_CLIENT.removesuffix(GREETING)))
        self.assertIn("keying material", self.refused(GREETING))

    def test_a_component_without_a_credential_is_told_how_to_give_one(self) -> None:
        self.assertIn("--credential", self.refused(S_CLIENT))

    def test_a_core_that_offers_nothing_as_good_gets_nothing(self) -> None:
        self.file("keys/alice", PASSWORD)
        weak = S_CLIENT.replace("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1")
        self.assertIn("does not offer", self.refused(weak))

    def test_a_greeting_that_is_cut_is_refused(self) -> None:
        self.file("keys/alice", PASSWORD)
        self.refused(S_CLIENT.removesuffix(GREETING) + "PKID 1 core.example\n")

    def test_a_file_with_a_secret_is_its_owners(self) -> None:
        self.file("keys/alice", PASSWORD, 0o644)
        self.assertIn("chmod 600", self.refused(S_CLIENT))
        self.assertIn("chmod 600", self.refused(S_CLIENT, "--psk-file", self.file("psk", PSK.secret, 0o644)))
        self.assertIn("does not hold", self.refused(S_CLIENT, "--psk-file", self.file("empty", "")))


class ProgramTests(ProveCase):
    """The program, as a person runs it."""

    def test_it_makes_a_proof_and_shows_no_secret(self) -> None:
        self.file(".config/rembus/keys/alice", PASSWORD)
        done = run("broker", "prove", "alice", directory=self.home, input=S_CLIENT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\APROVE alice SCRAM-SHA-256-PLUS \S+ p=tls-exporter,,n=alice,r=\S+\n\Z")
        self.assertNotIn(PASSWORD, done.stdout)

    def test_its_help_names_options_that_openssl_has(self) -> None:
        shown = run("broker", "prove", "--help", directory=self.home).stdout
        line = shown.partition("openssl s_client")[2].partition("\n\n")[0]
        known = openssl("s_client", "-help").stdout
        options = [word for word in line.split() if word.startswith("-")]
        self.assertGreater(len(options), 4)
        self.assertEqual([option for option in options if f" {option} " not in known], [])

    def test_a_secret_is_no_argument(self) -> None:
        done = run("broker", "prove", "alice", "--psk", "x", directory=self.home)
        self.assertEqual(done.returncode, 2)
