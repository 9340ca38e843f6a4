"""``docs/guides/line.md`` as it stands: its program runs with nothing but Python, and works for others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkid.broker.commands import Call, Publish
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.keys import KeyType
from pkid.line.events import Errored, Succeeded
from tests.certificates import csr_pem, private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.interop.core import WITH_PSK, ask, bearer
from tests.interop.guides import block
from tests.support import Case


def text(content: str) -> Payload:
    """Make a payload."""
    return Payload(PayloadKind.TEXT, content.encode())


class GuideTests(Case):
    def test_its_program_has_less_than_a_hundred_lines(self) -> None:
        self.assertLess(len(block("line", "python").splitlines()), 100)

    def test_its_program_proves_its_name_answers_calls_and_hears_messages(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        program = self.run_program(daemon)
        assert program.stdout is not None
        self.assertEqual(program.stdout.readline(), b"ready\n")
        peer = LinePeer.of(self, daemon)
        answer = peer.ask(Call("1", "add", text("1 2 39"), 6, target="worker"))
        assert isinstance(answer, Succeeded)
        assert answer.payload is not None
        self.assertEqual(answer.payload.data, b"42")
        failed = peer.ask(Call("2", "add", text("one"), 3))
        assert isinstance(failed, Errored)
        assert failed.payload is not None
        self.assertEqual(failed.payload.data, b"numbers, please")
        peer.ask(Publish("3", "news", text("hello"), 5, QoS.AT_LEAST_ONCE))
        self.assertEqual(program.stdout.readline(), b"news somebody hello\n")
        daemon.stop()
        self.assertEqual(program.wait(30), 0)

    def run_program(self, daemon: Daemon) -> subprocess.Popen[bytes]:
        """Get a certificate with the identity of ``worker``, and run the program with it until the end of the test."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        key = private_key(KeyType.P256)
        request = csr_pem(key, common_name="worker", uri=["spiffe://pkid.internal/worker"])
        signed = ask(daemon, "POST", "/ca/sign", request, bearer())
        self.assertEqual(signed.status, 200, signed.body)
        (folder / "worker.py").write_text(block("line", "python"))
        (folder / "cert.pem").write_bytes(signed.body)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").touch(0o600)
        (folder / "key.pem").write_bytes(pem)
        port = str(daemon.address("line")[1])
        arguments = "worker", "localhost", port, str(daemon.state / "ca.crt"), "cert.pem", "key.pem"
        program = subprocess.Popen([sys.executable, "-I", "worker.py", *arguments], cwd=folder, stdout=subprocess.PIPE)

        def end() -> None:
            program.kill()
            program.wait()
            assert program.stdout is not None
            program.stdout.close()

        self.addCleanup(end)
        return program
