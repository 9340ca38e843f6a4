"""``twistd pkid-agent`` with a real core: files, several certificates, another start, reloading, being killed."""

from __future__ import annotations

import json
import ssl

from cryptography import x509

from tests.daemon import start_daemon
from tests.integration.agents import PSK, AgentCase, AgentProcess
from tests.interop.openssl import openssl
from tests.shell.program import run


class FilesTests(AgentCase):
    def test_programs_find_all_that_they_need(self) -> None:
        self.configure(self.table("web", "combined = true"), self.table("db", 'key-type = "rsa2048"\nmode = "0640"'))
        self.start()
        self.wait_until_well(2)
        for name, mode in (("web", 0o600), ("db", 0o640)):
            folder = self.folder / name
            self.assertEqual((folder / "key.pem").stat().st_mode & 0o777, mode)
            verified = openssl("verify", "-x509_strict", "-CAfile", folder / "ca.pem", folder / "fullchain.pem")
            self.assertIn("OK", verified.stdout)
            ssl.create_default_context().load_cert_chain(folder / "fullchain.pem", folder / "key.pem")
        ssl.create_default_context().load_cert_chain(self.folder / "web" / "combined.pem")
        self.assertEqual((self.folder / "web" / "ca.pem").read_bytes(), (self.core.state / "ca.crt").read_bytes())

    def test_another_start_uses_what_is_there(self) -> None:
        self.configure(self.table("web"))
        self.start()
        self.wait_until_well(1)
        first = self.certificate("web")
        self.agent.kill()
        self.core.stop()
        self.agent.start()
        self.wait_until_well(1)
        self.assertEqual(self.certificate("web"), first)
        self.core.start()

    def test_a_core_that_comes_later_is_waited_for(self) -> None:
        self.configure(self.table("web"))
        self.core.stop()
        self.start()
        (status,) = self.agent.status()
        self.assertEqual((status["state"], status["ok"]), ("missing", False))
        self.core.start()
        self.configure(self.table("web"))
        self.agent.hang_up()
        self.wait_until_well(1)


class OtherWaysTests(AgentCase):
    def test_a_certificate_that_an_operator_got_takes_the_place_of_the_key(self) -> None:
        create = ("certificate", "create", "--common-name", "web.example", "--dns-names", "web.example")
        to_core = ("--core", self.core.url, "--psk", PSK)
        self.assertEqual(run(*to_core, *create, directory=self.folder).returncode, 0)
        trusted = f'core = "{self.core.url}"\nca-cert = "{self.core.state / "ca.crt"}"\n'
        self.config.write_text(
            f'{trusted}cert = "web.example.crt"\ncert-key = "web.example.key"\n[[certificate]]\n{self.table("web")}'
        )
        self.start()
        self.wait_until_well(1)
        first = x509.load_pem_x509_certificate((self.folder / "web.example.crt").read_bytes())
        query = 'search is(certificate) and name = "web.example" and renews != null | format "{renews}"'
        found = run(*to_core, query, directory=self.folder)
        self.assertEqual(found.stdout.strip().lstrip("0"), f"{first.serial_number:x}", found.stderr)

    def test_a_core_without_tls_is_asked_if_that_is_said(self) -> None:
        plain = start_daemon(self, "--psk", PSK, "--no-tls")
        general = f'core = "{plain.url.replace("https:", "http:")}"\npsk = "{PSK}"\nno-tls = true\n'
        self.config.write_text(f"{general}[[certificate]]\n{self.table('web')}")
        self.start()
        self.wait_until_well(1)


class HookTests(AgentCase):
    def test_each_certificate_is_told_and_a_failure_is_seen_and_tried_again(self) -> None:
        script = "echo $PKID_NAME $PKID_SERIAL >> told; env | grep -c psk >> told; echo not yet; test -e ../ok"
        self.configure(self.table("web", f"""on-renew = ["sh", "-c", '{script}']"""))
        self.start()
        self.wait(lambda: self.agent.status()[0]["hook"] == "failed")
        (status,) = self.agent.status()
        self.assertEqual((status["hook_error"], status["state"]), ("sh ended with status 1: not yet", "valid"))
        (self.folder / "ok").touch()
        self.agent.hang_up()
        self.wait_until_well(1)
        told = (self.folder / "web" / "told").read_text().split()
        self.assertEqual(told[:3], ["web", f"{self.certificate('web').serial_number:x}", "0"])
        self.agent.stop()
        self.agent.start()
        self.wait_until_well(1)
        self.assertEqual((self.folder / "web" / "told").read_text().split(), told)


class StatusTests(AgentCase):
    def status(self, *arguments: str) -> tuple[int, str]:
        """Run ``pkid agent status``; return its exit code and all that it wrote."""
        ended = run("agent", "status", "--socket", str(self.agent.state / "status.sock"), *arguments,
                    directory=self.folder)  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    def test_people_and_scripts_are_told(self) -> None:
        self.configure(self.table("web"), self.table("db", 'on-renew = "false"'))
        self.start()
        self.wait(lambda: self.agent.status()[1]["hook"] == "failed")
        self.wait(lambda: self.agent.status()[0]["ok"])
        code, written = self.status()
        self.assertEqual(code, 1)
        self.assertRegex(written, r"web: valid, ok\n  names         web\.example\n")
        self.assertRegex(written, r"db: valid, PROBLEM\n(.*\n)*  it failed     false ended with status 1\n")
        self.configure(self.table("web"))
        self.agent.hang_up()
        self.wait_until_well(1)
        code, written = self.status("--json")
        self.assertEqual((code, [json.loads(written)]), (0, self.agent.status()))
        self.agent.stop()
        code, written = self.status()
        self.assertEqual((code, "no agent answers" in written), (4, True))


class ReloadTests(AgentCase):
    def test_the_file_is_read_again(self) -> None:
        self.configure(self.table("web"), self.table("db"))
        self.start()
        self.wait_until_well(2)
        kept = self.certificate("web")
        self.configure(self.table("web"), self.table("mail"), self.table("db", 'dns-names = ["other.example"]'))
        self.agent.hang_up()
        self.wait(lambda: [each["name"] for each in self.agent.status()] == ["web", "mail", "db"])
        self.wait(lambda: self.agent.status()[2]["names"] == ["other.example"])
        self.wait_until_well(3)
        self.assertEqual(self.certificate("web"), kept)
        self.configure(self.table("mail"))
        self.agent.hang_up()
        self.wait(lambda: [each["name"] for each in self.agent.status()] == ["mail"])
        self.wait_until_well(1)

    def test_a_mistake_changes_nothing(self) -> None:
        self.configure(self.table("web"))
        self.start()
        self.wait_until_well(1)
        self.configure(self.table("web", "oops = 1"))
        self.agent.hang_up()
        self.wait(lambda: "so the old ones stay" in self.agent.output)
        self.wait_until_well(1)
        self.assertIn("is no setting", self.agent.output)

    def test_what_cannot_be_written_is_told(self) -> None:
        self.configure(self.table("web"))
        self.start()
        (self.folder / "db").write_text("in the way")
        self.configure(self.table("web"), self.table("db"))
        self.agent.hang_up()
        self.wait(lambda: [bool(each["error"]) for each in self.agent.status()] == [False, True])
        self.assertIn("File exists", self.agent.status()[1]["error"])


class StartTests(AgentCase):
    def refused(self) -> str:
        self.assertRaises(AssertionError, self.agent.start)
        self.assertNotIn("Traceback", self.agent.output)
        return self.agent.output

    def test_a_directory_that_cannot_be_used_stops_the_start(self) -> None:
        self.configure(self.table("web"))
        (self.folder / "web").mkdir()
        (self.folder / "web").chmod(0o777)
        self.assertIn(f"pkid-agent: {self.folder / 'web'} can be changed by other users", self.refused())

    def test_two_agents_do_not_share_anything(self) -> None:
        self.configure(self.table("web"))
        self.start()
        for state, problem in ((self.agent.state, "agent is in use"), (self.folder / "other", "web is in use")):
            other = AgentProcess(state, self.config)
            self.assertRaisesRegex(AssertionError, problem, other.start)

    def test_the_state_of_a_core_is_not_its_own(self) -> None:
        self.configure(self.table("web"))
        self.agent = AgentProcess(self.core.state, self.config)
        self.assertIn("belongs to a core", self.refused())
