"""`pkid` with a real core: commands, files, trust, exit codes; and the doctor."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.pem import write_certificates, write_key
from pkid.ca.request import read_request
from pkid.ca.trust import fingerprint
from tests.certificates import SERIAL, authority, csr_pem, private_key, profile
from tests.daemon import Daemon, start_daemon
from tests.shell.program import PROGRAM, environ, run
from tests.support import Case

PSK = "a good pre-shared key, 1"
WITH_PSK = ("--psk", PSK)
CREATE = ("certificate", "create", "--common-name", "web.example")


class ShellCase(Case):
    """Has a core, and a user's directory."""

    core_options: tuple[str, ...] = WITH_PSK

    def setUp(self) -> None:
        self.daemon = start_daemon(self, *self.core_options)
        self.user = self.user_of(self.daemon)

    def user_of(self, daemon: Daemon) -> Path:
        user = daemon.state.parent / "user"
        user.mkdir()
        return user

    def pkid(self, *arguments: str, input: str = "", psk: str = PSK) -> subprocess.CompletedProcess[str]:
        variables = {"PKID_CORE": self.daemon.url, "PKID_SHELL_PSK": psk}
        return run(*arguments, directory=self.user, input=input, variables=variables)

    def ends(self, exit: int, said: str, *arguments: str, psk: str = PSK) -> None:
        """Check an exit code and what is said on standard error, in one line."""
        ended = self.pkid(*arguments, psk=psk)
        self.assertEqual((ended.returncode, ended.stdout), (exit, ""), ended.stderr)
        self.assertRegex(ended.stderr, rf"\Apkid: [^\n]*{said}[^\n]*\n\Z")


class CommandTests(ShellCase):
    def test_one_command(self) -> None:
        ended = self.pkid("system", "info")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertIn("name: pkid\n", ended.stdout)

    def test_a_line_of_commands(self) -> None:
        ended = self.pkid("help | head 1; help | head 3 | count")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertRegex(ended.stdout, r"\Ahelp .*\n---\ntotal matched: 3\n")

    def test_words_are_data(self) -> None:
        self.ends(1, "Command >;< is not known", ";", "certificate")
        self.ends(1, "no slash, no colon", *CREATE[:3], "a; b/c")

    def test_formats(self) -> None:
        (item,) = json.loads(self.pkid("--format", "json", "system", "info").stdout)
        self.assertEqual(item["name"], "pkid")
        self.assertEqual(json.loads(self.pkid("--format", "ndjson", "system", "info").stdout), item)
        self.assertTrue(self.pkid("--format", "yaml", "system", "info").stdout.startswith("---\n"))

    def test_files_are_stored_once_for_their_owner_and_serve(self) -> None:
        ended = self.pkid(*CREATE)
        self.assertEqual(
            (ended.returncode, ended.stdout.splitlines()),
            (
                0,
                [
                    f"Received a file web.example.{kind}, which is stored to ./web.example.{kind}"
                    for kind in ("key", "crt")
                ],
            ),
            ended.stderr,
        )
        key, certificate = self.user / "web.example.key", self.user / "web.example.crt"
        self.assertEqual([path.stat().st_mode & 0o777 for path in (key, certificate)], [0o600, 0o600])
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
        before = key.read_bytes()
        self.ends(1, "web.example.key exists; nothing was stored", *CREATE)
        self.assertEqual(key.read_bytes(), before)
        self.assertEqual(self.pkid("--force", *CREATE).returncode, 0)
        self.assertNotEqual(key.read_bytes(), before)
        self.assertEqual(len(list(self.user.iterdir())), 2)

    def test_files_go_to_the_directory_that_is_named(self) -> None:
        place = self.user / "place"
        place.mkdir()
        ended = self.pkid("--download-directory", "place", *CREATE, "--pem")
        self.assertEqual(ended.stdout, "Received a file web.example.pem, which is stored to ./place/web.example.pem\n")
        self.ends(1, "is no directory", "--download-directory", "none", *CREATE)

    def test_lines_of_standard_input(self) -> None:
        lines = "help | count\n\nnonsense\nsystem info\nquit\nhelp\n"
        for arguments in ((), ("--stdin",)):
            ended = self.pkid(*arguments, input=lines)
            self.assertEqual(ended.returncode, 1, "the failed line is not forgotten")
            self.assertIn("total matched", ended.stdout)
            self.assertIn("name: pkid", ended.stdout)
            self.assertNotIn("certificate create", ended.stdout)
            self.assertEqual(ended.stderr, "pkid: the core said no (400): Command >nonsense< is not known. Typo?\n")
        self.assertEqual(self.pkid(input="help\n").returncode, 0)
        self.assertEqual(self.pkid("--stdin", "help").returncode, 2)

    def test_a_reader_who_leaves_ends_it_quietly(self) -> None:
        lines = "help\n" * 2000
        variables = {"PKID_CORE": self.daemon.url, "PKID_PSK": PSK}
        with subprocess.Popen(
            PROGRAM, cwd=self.user, env=environ(self.user, **variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            process.stdin.write(lines.encode())
            process.stdin.flush()
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual((process.wait(60), process.stderr.read()), (-signal.SIGPIPE, b""))

    def test_a_full_disk_is_told(self) -> None:
        for words in ("help", "doctor"):
            with open("/dev/full", "w") as full:
                ended = subprocess.run(
                    [*PROGRAM, words],
                    env=environ(self.user, PKID_CORE=self.daemon.url, PKID_PSK=PSK, PKID_STATE=str(self.daemon.state)),
                    stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                )  # fmt: skip
            self.assertEqual(ended.returncode, 1)
            self.assertEqual(ended.stderr, "pkid: standard output cannot be written (No space left on device)\n")

    def test_an_interrupt_ends_it_with_130(self) -> None:
        variables = {"PKID_CORE": self.daemon.url, "PKID_PSK": PSK}
        with subprocess.Popen(
            PROGRAM, cwd=self.user, env=environ(self.user, **variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdin is not None and process.stdout is not None and process.stderr is not None
            process.stdin.write(b"help\n")
            process.stdin.flush()
            process.stdout.readline()  # it waits for the next line now, or will soon
            process.send_signal(signal.SIGINT)
            self.assertEqual((process.wait(60), process.stderr.read()), (130, b""))


class TrustTests(ShellCase):
    def test_wrong_usage_is_2(self) -> None:
        self.ends(2, "unrecognized arguments: --nope", "--nope")
        self.ends(2, "cannot be read", "--ca-cert", "none", "help")

    def test_a_wrong_key_is_3_and_so_is_none(self) -> None:
        self.ends(3, "not signed with this pre-shared key", "help", psk="another pre-shared key")
        authority = str(self.daemon.state / "ca.crt")
        self.ends(3, "did not accept the pre-shared key", "--ca-cert", authority, "help", psk="another one")
        self.ends(3, "wants a pre-shared key", "--ca-cert", authority, "help", psk="")
        self.ends(3, "nothing vouches for", "help", psk="")

    def test_a_core_that_is_not_there_or_not_trusted_is_4(self) -> None:
        self.ends(4, "cannot be reached", "--core", "https://localhost:1", "help")
        self.ends(4, "another CA certificate", "--ca-fingerprint", "AB" * 32, "help")
        other = start_daemon(self, *WITH_PSK)
        self.ends(4, "is not to be trusted", "--ca-cert", str(other.state / "ca.crt"), "help")

    def test_a_line_that_finds_no_core_is_the_last(self) -> None:
        arguments = ("--ca-cert", str(self.daemon.state / "ca.crt"))
        self.daemon.kill()
        ended = self.pkid(*arguments, input="help\nhelp\nhelp\n")
        self.assertEqual((ended.returncode, ended.stderr.count("\n")), (4, 1))

    def test_a_fingerprint_or_a_file_replaces_the_proof(self) -> None:
        authority = self.daemon.state / "ca.crt"
        der = x509.load_pem_x509_certificate(authority.read_bytes()).public_bytes(Encoding.DER)
        for arguments in (("--ca-fingerprint", fingerprint(der)), ("--ca-cert", str(authority))):
            self.assertEqual(self.pkid(*arguments, "help").returncode, 0)

    def test_the_key_is_on_no_output(self) -> None:
        for ended in (
            self.pkid("help"),
            self.pkid("--timeout", "x"),
            self.pkid("--core", "https://localhost:1", "help"),
        ):
            self.assertNotIn(PSK, ended.stdout + ended.stderr)


class FirstDayTests(ShellCase):
    """A core that made its key itself, and a user of the same machine."""

    core_options = ()

    def test_its_key_is_found(self) -> None:
        ended = run("--core", self.daemon.url, "--state", str(self.daemon.state), "system", "info", directory=self.user)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        (self.user / ".local" / "state").mkdir(parents=True)
        (self.user / ".local" / "state" / "pkid").symlink_to(self.daemon.state)
        self.assertEqual(run("--core", self.daemon.url, "help", directory=self.user).returncode, 0)

    def test_strict_tokens_are_fine_and_without_tls_it_is_warned(self) -> None:
        warning = "pkid: the core warns: no encryption\n"
        for option, scheme, said in (("--strict-tokens", "https", ""), ("--no-tls", "http", warning)):
            daemon = start_daemon(self, option)
            url = f"{scheme}://localhost:{daemon.port}"
            plain = ["--no-tls"] if scheme == "http" else []
            ended = run("--core", url, *plain, "--state", str(daemon.state), "help", directory=self.user)
            self.assertEqual((ended.returncode, ended.stderr), (0, said))
        ended = run("--core", url, "--state", str(daemon.state), "help", directory=self.user)
        self.assertEqual(ended.returncode, 2)
        self.assertIn("--core begins with http:", ended.stderr)


class OpenCoreTests(ShellCase):
    """A core that asks nobody for a key."""

    core_options = ("--psk", "")

    def test_its_ca_in_the_state_directory_is_trusted_and_its_warning_is_told_once(self) -> None:
        ended = run(
            "--core", self.daemon.url, "--state", str(self.daemon.state), directory=self.user, input="help\nca show\n"
        )
        self.assertEqual((ended.returncode, ended.stderr), (0, "pkid: the core warns: no authentication\n"))
        self.assertIn("subject: CN=pkid CA", ended.stdout)

    def test_nobody_else_is(self) -> None:
        self.ends(3, "nothing vouches for", "help", psk="")
        self.ends(4, "no token that vouches", "help", psk=PSK)

    def test_the_doctor_sees_it(self) -> None:
        ended = run("doctor", "--state", str(self.daemon.state), directory=self.user)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertRegex(ended.stdout, "warning +the core is ready, but it runs with no authentication")


class DoctorTests(ShellCase):
    core_options = ()

    def findings(self, *arguments: str) -> tuple[int, list[dict[str, str]]]:
        ended = run("doctor", "--state", str(self.daemon.state), "--json", *arguments, directory=self.user)
        self.assertEqual(ended.stderr, "")
        return ended.returncode, json.loads(ended.stdout)

    def test_all_is_well(self) -> None:
        status, findings = self.findings("--core", self.daemon.url)
        self.assertEqual((status, {each["severity"] for each in findings}), (0, {"ok"}), findings)
        said = " ".join(each["what"] for each in findings)
        for words in (f"process {self.daemon.pid}", "the core is ready", "the clocks agree", "the ledger is whole"):
            self.assertIn(words, said)

    def test_a_core_that_was_killed_is_told_by_a_warning(self) -> None:
        self.daemon.kill()
        status, findings = self.findings()
        self.assertEqual(status, 0, findings)
        warnings = [each["what"] for each in findings if each["severity"] == "warning"]
        self.assertEqual(warnings, ["no core runs with this state"])

    def test_a_door_without_tls_is_told(self) -> None:
        self.daemon = start_daemon(self, "--no-tls")
        status, findings = self.findings()
        self.assertEqual(status, 0, findings)
        self.assertIn("speaks plain text", " ".join(each["what"] for each in findings))

    def with_own(self, host: bool) -> set[str]:
        """Examine a core with an own CA below a root, and perhaps an own certificate; return the severities."""
        now = datetime.now(UTC)
        valid = (now - timedelta(days=1), now + timedelta(days=1000))
        below = authority("CN=below", authority("CN=above", valid=valid), valid=valid)
        files = {"ca.crt": write_certificates(below.chain), "ca.key": write_key(below.key)}
        if host:
            request = read_request(csr_pem(dns=["core.example"]))
            certificate = below.sign(profile().check(request), now, SERIAL)
            files["own.crt"] = write_certificates([certificate, below.certificate])
            files["own.key"] = write_key(private_key())
        for name, content in files.items():
            (self.user / name).write_bytes(content)
            (self.user / name).chmod(0o600)
        flags = {"--ca-cert": "ca.crt", "--ca-cert-key": "ca.key", "--cert": "own.crt", "--cert-key": "own.key"}
        given = [part for flag, name in flags.items() if name in files for part in (flag, str(self.user / name))]
        self.daemon = start_daemon(self, *given)
        status, findings = self.findings()
        self.assertEqual(status, 0, findings)
        return {each["severity"] for each in findings}

    def test_a_core_with_a_ca_of_its_operator_is_well(self) -> None:
        self.assertEqual(self.with_own(host=False), {"ok"})

    def test_one_with_a_certificate_of_its_operator_too(self) -> None:
        self.assertEqual(self.with_own(host=True), {"ok"})

    def test_what_is_wrong_is_found_and_told_with_a_remedy(self) -> None:
        os.chmod(self.daemon.state / "psk", 0o644)
        status, findings = self.findings()
        (bad,) = (each for each in findings if each["severity"] == "problem")
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", bad["remedy"])

    def test_a_word_that_is_the_doctors_is_never_sent(self) -> None:
        for line in ("doctor --help", "doctor"):
            ended = run("--core", "https://localhost:1", line, directory=self.user)
            self.assertNotIn("said no", ended.stderr)
