"""The line door of the real daemon, typed on through the real ``openssl s_client``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.daemon import Daemon, start_daemon
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.interop.typist import Typist
from tests.support import Case

TERMS = """\
[psks.default]
allow-components = ["superuser", "*"]
"""
AT = r"\+at=\d+\.\d{3}"


class AnonymousTests(Case):
    """What anybody may type."""

    def test_what_is_public_is_published_and_subscribed(self) -> None:
        daemon = start_daemon(self)
        listener, speaker = Typist.of(self, daemon), Typist.of(self, daemon)
        for typist in (listener, speaker):
            typist.see(r"PKID 1 \S+ \S{43} .*")
        listener.type("subscribe greetings/*")
        listener.see("OK")
        speaker.type("publish greetings/world hello world", "PUBLISH greetings/world +12", "two", "lines :)")
        listener.see(rf"MESSAGE greetings/world {AT} \+pattern=greetings/\* :hello world")
        listener.see(rf"MESSAGE greetings/world {AT} \+pattern=greetings/\* \+12 \+bytes")
        listener.see("two")
        listener.see(r"lines :\)")

    def test_line_ends_of_both_kinds_can_be_typed(self) -> None:
        daemon = start_daemon(self)
        typist = Typist.of(self, daemon, "-crlf")
        typist.type("#1 CALL version", "#2 PUBLISH a +qos=1 hello", "#3 EXPLAIN publish a")
        typist.see("#1 OK :pkid .*")
        typist.see("#2 OK")
        typist.see("#3 OK :yes: the topic is public")

    def test_who_leaves_or_ends_the_input_is_let_go(self) -> None:
        daemon = start_daemon(self)
        typist = Typist.of(self, daemon)
        typist.type("HELP", "bye")
        typist.see("PUBLISH TOPIC .*")
        typist.see("BYE left :the client said goodbye")
        typist.see("closed")

    def test_what_is_mistyped_is_told(self) -> None:
        daemon = start_daemon(self)
        typist = Typist.of(self, daemon)
        typist.type("publsh a hello", "PING")
        typist.see("ERROR bad-line :.*'publsh'.*HELP.*")
        typist.see("PONG")


class SuperuserTests(Case):
    """The example of the seeds, typed."""

    def setUp(self) -> None:
        terms = Path(self.mktemp())
        terms.write_text(TERMS)
        self.psk = Path(self.mktemp()).resolve()
        self.psk.touch(mode=0o600)
        self.psk.write_text(PSK)
        self.daemon = start_daemon(self, *WITH_PSK, "--config", str(terms.resolve()))
        appoint(self.daemon, "superuser")

    def test_a_private_topic_by_a_pasted_proof(self) -> None:
        superuser, stranger = Typist.of(self, self.daemon), Typist.of(self, self.daemon)
        self.log_in(superuser)
        superuser.type("private_topic my_topic")
        superuser.see("OK")
        stranger.type("PUBLISH my_topic hello", "SUBSCRIBE my_topic")
        for _ in range(2):
            stranger.see("ERROR forbidden :not allowed: the topic is private, and no rule grants it")
        superuser.type("explain publish my_topic")
        superuser.see("OK :no: the topic is private, and no rule grants it")
        for line in ("authorize superuser my_topic", "subscribe my_topic"):
            superuser.type(line)
            superuser.see("OK")
        superuser.type("inspect rights")
        superuser.see(r'"PRIVATE_TOPIC my_topic",?')

    def test_a_proof_is_good_on_its_connection_only(self) -> None:
        first, second = Typist.of(self, self.daemon), Typist.of(self, self.daemon)
        for typist in (first, second):
            typist.type("PING")
            typist.see("PONG")
        second.type(self.proof(first))
        second.see("ERROR proof-failed :.*")
        second.see("BYE login-failed :.*")

    def log_in(self, typist: Typist) -> None:
        """Type a proof of ``superuser``."""
        typist.type("PING")  # gives the time to make the proof
        typist.see("PONG")
        typist.type(self.proof(typist))
        typist.see(r"WELCOME superuser proven \+evidence=\S+")

    def proof(self, typist: Typist) -> str:
        """Return what ``pkid broker prove`` makes of what was shown."""
        command = [sys.executable, "-m", "pkid.shell", "broker", "prove", "superuser", "--psk-file", str(self.psk)]
        done = subprocess.run(command, input="\n".join(typist.shown), capture_output=True, text=True, timeout=60)
        self.assertTrue(done.stdout.startswith("PROVE superuser psk_hmac_sha256 "), done.stderr)
        return done.stdout.rstrip("\n")


def appoint(daemon: Daemon, component: str) -> None:
    """Make a component an admin."""
    headers = {**bearer(), "Content-Type": "text/plain"}
    answer = ask(daemon, "POST", "/cli/execute", f"broker role assign {component} admin".encode(), headers)
    assert answer.status == 200, answer.body
