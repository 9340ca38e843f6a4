"""The lines of the originals' documents, typed into a Python prompt and a shell, against the core.

Two things differ from the documents. The port is the daemon's own. And ``encode_jwt_to_headers`` takes its key as
``key``: the documented ``psk`` is what the libraries called it until they renamed it.
"""

from __future__ import annotations

import ast
import subprocess
from typing import TYPE_CHECKING, ClassVar

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK
from tests.interop.environments import FIX_INVENTORY, RESOTO, Environment, plain_environ
from tests.interop.openssl import request_certificate, verify
from tests.support import Case, require_program

if TYPE_CHECKING:
    Base = Case
else:
    Base = object

TRUST = """\
from {library}.core.ca import get_ca_cert
from {library}.x509 import write_cert_to_file
ca_cert = get_ca_cert({core}_uri="https://localhost:{port}", psk="changeme")
write_cert_to_file(cert=ca_cert, cert_path="./trusted.crt")
"""

HEADERS = """\
from {library}.jwt import encode_jwt_to_headers
encode_jwt_to_headers(http_headers={{}}, payload={{}}, key="changeme", expire_in=3600)
"""

DOCUMENTED_TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsInNhbHQiOiJuSVEzU3M5TGVNS1JHYUNQUEJxMnlBPT0ifQ."
    "eyJleHAiOjE2NDkzNzI1MTR9.KXAmijfSsV-taO3890qJNzXKXng1u38eU6PTrDYTgVs"
)
"""The token that the documents show: good for the PSK ``changeme`` until April 2022."""

EXECUTE = """\
resoto_command="{command}"
curl --cacert {file} -H "$auth_header" -H "Content-Type: text/plain" -H "Accept: application/json" \
-X POST -d "$resoto_command" https://localhost:{port}/cli/execute"""

SEARCH = "search is(resource) | count"
"""The documents' command."""

COUNTED = '[\n"total matched: 5",\n"total unmatched: 0"\n]\n'
"""What it gives for the core, its authority, its key, its own certificate and one that it signed."""

SIGN = """\
curl --cacert {file} -H "$auth_header" -X POST --data-binary @arangodb.csr \
https://localhost:{port}/ca/sign -o arangodb.crt"""

STATUS = ' -o answer -w "%{http_code}"'


class DocumentedLines(Base):
    """One original's documents.

    :cvar environment: where its library is installed.
    :cvar core: what the documents call the core.
    :cvar file: what the documents call the CA's file.
    """

    environment: ClassVar[Environment]
    core: ClassVar[str]
    file: ClassVar[str]

    def setUp(self) -> None:
        require_program("curl")
        self.environment.python()
        self.daemon = start_daemon(self, *WITH_PSK)
        self.directory = self.daemon.state.parent
        self.authority = self.daemon.state / "ca.crt"

    def test_trust(self) -> None:
        """The prompt's lines verify the CA certificate, curl's line fetches the same one."""
        self.type_python(TRUST)
        self.type_shell("curl -k https://localhost:{port}/ca/cert > {file}")
        for name in ("trusted.crt", self.file):
            self.assertEqual(self.directory.joinpath(name).read_bytes(), self.authority.read_bytes())

    def test_request(self) -> None:
        """With the prompt's header and curl's file, curl talks to the core: it signs, and runs commands."""
        header = self.type_python(HEADERS)
        self.type_shell("curl -k https://localhost:{port}/ca/cert > {file}")
        made = request_certificate(
            self.directory / "arangodb.csr", ("-newkey", "rsa:2048"), "/CN=arangodb.local", "DNS:arangodb.local"
        )
        self.assertEqual(self.type_shell(SIGN + STATUS.replace("-o answer", ""), header), "200")
        certificate = made.with_suffix(".crt")
        self.assertEqual(verify(self.authority, certificate), f"{certificate}: OK\n")
        self.assertEqual(self.type_shell(EXECUTE.replace("{command}", SEARCH), header), COUNTED)
        for path, answer in (("ready", "ok"), ("ping", "pong")):
            line = f"curl --cacert {{file}} https://localhost:{{port}}/system/{path}"
            self.assertEqual(self.type_shell(line), answer)

    def test_refusal(self) -> None:
        """No header, the documents' expired token and the core's own token from ``/ca/cert`` get nothing."""
        self.type_shell("curl -k https://localhost:{port}/ca/cert -D headers > {file}")
        (reflected,) = (
            line for line in self.directory.joinpath("headers").read_text().splitlines() if "Bearer" in line
        )
        request_certificate(self.directory / "arangodb.csr", ("-newkey", "rsa:2048"), "/CN=arangodb.local")
        for header in ("", f"Authorization: Bearer {DOCUMENTED_TOKEN}", f"Authorization: {reflected.split(': ')[1]}"):
            execute = EXECUTE.replace("{command}", SEARCH)
            for line in (SIGN.replace("arangodb.crt", "answer"), execute + " -o answer"):
                self.assertEqual(self.type_shell(line + STATUS.replace("-o answer", ""), header), "401", header)
                self.assertNotIn(b"CERTIFICATE", self.directory.joinpath("answer").read_bytes())
        self.assertNotEqual(self.run_shell("curl https://localhost:{port}/ca/cert").returncode, 0, "trusted unasked")

    def type_python(self, lines: str) -> str:
        """Type *lines* at the prompt of the library's environment; return the header that they show, if any."""
        typed = lines.format(library=self.environment.package, core=self.core, port=self.daemon.port)
        ended = self.environment.run("-i", directory=self.directory, input=typed)
        self.assertNotIn("Traceback", ended.stderr)
        (shown,) = ended.stdout.splitlines() or [""]
        return f"Authorization: {ast.literal_eval(shown)['Authorization']}" if shown else ""

    def type_shell(self, line: str, auth_header: str = "") -> str:
        """Type *line* in a shell, where it must work; return what it prints."""
        ended = self.run_shell(line, auth_header)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def run_shell(self, line: str, auth_header: str = "") -> subprocess.CompletedProcess[str]:
        """Run *line* in a shell whose ``auth_header`` is set."""
        typed = line.replace("{port}", str(self.daemon.port)).replace("{file}", self.file)
        return subprocess.run(
            ["sh", "-c", typed],
            cwd=self.directory,
            env=plain_environ(self.directory) | {"auth_header": auth_header},
            capture_output=True,
            text=True,
            timeout=60,
        )


class FixInventoryLines(DocumentedLines, Case):
    """The page of Fix Inventory."""

    environment = FIX_INVENTORY
    core = "fixcore"
    file = "fixinventory_ca.crt"


class ResotoLines(DocumentedLines, Case):
    """The page of Resoto 2.4.7."""

    environment = RESOTO
    core = "resotocore"
    file = "resoto_ca.crt"
