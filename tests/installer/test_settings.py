"""What the agent is told to do: one certificate by flags, several by tables, and every mistake in one line."""

from __future__ import annotations

import errno
import grp
import os
import pwd
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from pkid.agent import Introduction
from pkid.ca.keys import KeyType
from pkid.installer.parts import ALWAYS, Part
from pkid.installer.sets import Access
from pkid.installer.settings import AgentSettings, resolve
from pkid.installer.wanted import WantedCertificate
from pkid.settings import SettingsError
from tests.support import Case

GOOD = "a good pre-shared key, 1"
WORK = Path("/work-directory")
ONE = {"psk": GOOD, "common-name": "web.example", "out": "/out"}
TABLE = '[[certificate]]\ncommon-name = "web.example"\nout = "/out"\n'
OTHER = '[[certificate]]\ncommon-name = "db.example"\nout = "db"\n'


class SettingsCase(Case):
    def resolve(
        self, flags: Mapping[str, str | bool], environ: Mapping[str, str] | None = None, **files: str
    ) -> AgentSettings:
        """Resolve with an environment and files that are made up: ``toml`` is ``/etc/agent.toml``."""
        if "toml" in files:
            flags = {"config": "/etc/agent.toml", **flags}
        found = {"/etc/agent.toml": files.get("toml"), "/creds/psk": files.get("psk")}

        def read_file(path: Path) -> bytes:
            content = found.get(str(path))
            if content is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            return content.encode()

        return resolve(flags, {"HOME": "/home/me", **(environ or {})}, read_file, WORK)

    def one(self, **flags: str | bool) -> WantedCertificate:
        """Return the only certificate, by flags."""
        given = {name.replace("_", "-"): value for name, value in flags.items()}
        (wanted,) = self.resolve(ONE | given).certificates
        return wanted

    def tables(self, toml: str) -> tuple[WantedCertificate, ...]:
        """Return the certificates of a file."""
        return self.resolve({"psk": GOOD}, toml=toml).certificates

    def refused(self, flags: Mapping[str, str | bool], environ: Mapping[str, str] | None = None, **files: str) -> str:
        """Return the line with which the same is refused."""
        with self.assertRaises(SettingsError) as caught:
            self.resolve(flags, environ, **files)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        self.assertNotIn(GOOD, message)
        return message

    def refused_flag(self, **flags: str | bool) -> str:
        return self.refused(ONE | {name.replace("_", "-"): value for name, value in flags.items()})

    def refused_file(self, toml: str) -> str:
        return self.refused({"psk": GOOD}, toml=toml)


class OneTests(SettingsCase):
    def test_defaults(self) -> None:
        settings = self.resolve(ONE)
        self.assertEqual(settings.core.url, "https://localhost:8900")
        self.assertEqual(settings.state, Path("/home/me/.local/state/pkid-agent"))
        self.assertEqual(settings.socket, settings.state / "status.sock")
        (wanted,) = settings.certificates
        self.assertEqual((wanted.name, wanted.subject.common_name), ("web.example", "web.example"))
        self.assertEqual(wanted.subject.names.dns, ("web.example",))
        self.assertEqual(dict(wanted.links), {part: Path("/out", part.file_name) for part in ALWAYS})
        self.assertEqual((wanted.access, wanted.command, wanted.key_type), (Access(), (), KeyType.P256))

    def test_names(self) -> None:
        names = self.one(dns_names="a.example, b.example", ip_addresses="10.0.0.1").subject.names
        self.assertEqual((names.dns, names.ip), (("a.example", "b.example"), (ip_address("10.0.0.1"),)))
        self.assertEqual(self.one(ip_addresses="10.0.0.1").subject.names.dns, ())

    def test_an_identity_stands_beside_the_host_name(self) -> None:
        names = self.one(identity="web").subject.names
        self.assertEqual((names.dns, names.uri), (("web.example",), ("spiffe://pkid.internal/web",)))
        self.assertIn(
            "spiffe://example.org/web", self.one(identity="web", trust_domain="example.org").subject.names.uri
        )
        self.assertIn("--identity", self.refused_flag(identity="not/one"))

    def test_a_name_that_is_no_host_needs_one(self) -> None:
        self.assertIn("--dns-names", self.refused_flag(common_name="a web server", name="web"))
        self.assertIn("--name is needed", self.refused_flag(common_name="a web server", dns_names="a.example"))

    def test_a_command_has_the_quotes_of_a_shell_and_no_shell(self) -> None:
        wanted = self.one(on_renew="sh -c 'a b; c' $HOME", on_renew_timeout="2m")
        self.assertEqual(wanted.command, ("sh", "-c", "a b; c", "$HOME"))
        self.assertEqual(wanted.timeout, timedelta(minutes=2))
        for wrong in ("", " ", "it's", "''"):
            self.assertIn("--on-renew must be a command", self.refused_flag(on_renew=wrong))
        for wrong in ("0s", "2h", "30"):
            self.assertIn("--on-renew-timeout must be", self.refused_flag(on_renew_timeout=wrong))

    def test_readers(self) -> None:
        user, group = pwd.getpwuid(0), grp.getgrgid(0)
        wanted = self.one(owner=user.pw_name, group="4321", mode="0640")
        self.assertEqual(wanted.access, Access(0, 4321, 0o640))
        self.assertEqual(self.one(group=group.gr_name).access.group, 0)
        self.assertIn("--owner must be a user", self.refused_flag(owner="no such user"))
        self.assertIn("--group must be a group", self.refused_flag(group="no such group"))

    def test_a_key_that_everybody_can_read_is_refused(self) -> None:
        for mode in ("0600", "600", "0640", "0660", "0400", "0440"):
            self.assertEqual(self.one(mode=mode).access.mode, int(mode, 8))
        for mode in ("0644", "0604", "0700", "0200", "0000", "6000", "rw", "0o600", "1777"):
            self.assertIn("--mode must be", self.refused_flag(mode=mode))

    def test_both_in_one_file_on_demand(self) -> None:
        self.assertEqual(dict(self.one(combined=True).links)[Part.COMBINED], Path("/out/combined.pem"))

    def test_what_is_missing_is_named(self) -> None:
        for name in ("psk", "common-name", "out"):
            rest = {key: value for key, value in ONE.items() if key != name}
            self.assertIn(f"--{name}", self.refused(rest))

    def test_variables_of_the_agent_come_before_those_of_all(self) -> None:
        environ = {"PKID_AGENT_OUT": "/agent", "PKID_OUT": "/all", "PKID_COMMON_NAME": "web.example", "PKID_PSK": GOOD}
        (wanted,) = self.resolve({}, environ).certificates
        self.assertEqual(wanted.directory, Path("/agent"))
        self.assertIn("PKID_AGENT_OUTT", self.refused(ONE, {"PKID_AGENT_OUTT": "/x"}))

    def test_the_key_is_also_a_credential_of_systemd(self) -> None:
        rest = {key: value for key, value in ONE.items() if key != "psk"}
        settings = self.resolve(rest, {"CREDENTIALS_DIRECTORY": "/creds"}, psk=f"{GOOD}\n")
        self.assertEqual(settings.core.psk, GOOD)
        self.assertNotIn(GOOD, repr(settings))
        self.assertIn("--psk is empty; give the core's", self.refused(ONE | {"psk": ""}))

    def test_directories_of_systemd(self) -> None:
        settings = self.resolve(ONE, {"STATE_DIRECTORY": "/var/lib/a", "RUNTIME_DIRECTORY": "/run/a:/run/b"})
        self.assertEqual((settings.state, settings.socket), (Path("/var/lib/a"), Path("/run/a/status.sock")))
        self.assertEqual(self.resolve(ONE | {"socket": "s"}).socket, WORK / "s")

    def test_one_word_for_whom_to_trust(self) -> None:
        print_ = ":".join(["AB"] * 32)
        self.assertEqual(self.resolve(ONE | {"ca-cert": "ca.pem"}).core.ca_cert, WORK / "ca.pem")
        self.assertEqual(self.resolve(ONE | {"ca-fingerprint": print_}).core.ca_fingerprint, print_)
        self.assertIn("exclude each other", self.refused(ONE | {"ca-cert": "ca.pem", "ca-fingerprint": print_}))
        self.assertIn("--ca-fingerprint", self.refused(ONE | {"ca-fingerprint": "abc"}))
        self.assertIn("--core must be an address", self.refused(ONE | {"core": "core.example:8900"}))
        selected = "https://core.example:8900/psk/autumn"
        self.assertEqual(self.resolve(ONE | {"core": selected}).core.url, selected)

    def test_a_certificate_to_begin_with_takes_the_place_of_the_key_if_the_ca_is_known(self) -> None:
        rest = {key: value for key, value in ONE.items() if key != "psk"}
        message = self.refused(rest | {"cert": "first.pem"})
        self.assertIn("to know the core, give --ca-cert or --ca-fingerprint", message)
        for known in ({"ca-cert": "ca.pem"}, {"ca-fingerprint": ":".join(["AB"] * 32)}):
            core = self.resolve(rest | known | {"cert": "first.pem", "cert-key-pass": "the passphrase"}).core
            self.assertEqual(core.introduction, Introduction(WORK / "first.pem", WORK / "first.pem", "the passphrase"))
            self.assertEqual(core.psk, "")
            self.assertNotIn("the passphrase", repr(core))
        self.assertIsNotNone(self.resolve(ONE | {"cert": "first.pem", "cert-key": "first.key"}).core.introduction)
        self.assertIsNone(self.resolve(ONE).core.introduction)


class TablesTests(SettingsCase):
    def test_each_has_its_own(self) -> None:
        web, db = self.tables(TABLE + 'on_renew = ["nginx", "-s", "reload"]\n' + OTHER + 'key-type = "rsa2048"\n')
        self.assertEqual((web.name, web.command), ("web.example", ("nginx", "-s", "reload")))
        self.assertEqual((db.name, db.key_type), ("db.example", KeyType.RSA2048))

    def test_relative_paths_start_at_the_file(self) -> None:
        (db,) = self.tables(OTHER)
        self.assertEqual(db.directory, Path("/etc/db"))

    def test_files_have_other_names_or_stand_elsewhere(self) -> None:
        files = 'files = { key = "server.key", cert = "/pg/server.crt", ca = "pki/ca.crt", combined = "all.pem" }\n'
        (wanted,) = self.tables(TABLE + files)
        usual = {part: Path("/out", part.file_name) for part in ALWAYS}
        other = {
            Part.KEY: Path("/out/server.key"),
            Part.CERT: Path("/pg/server.crt"),
            Part.CA: Path("/etc/pki/ca.crt"),
            Part.COMBINED: Path("/out/all.pem"),
        }
        self.assertEqual(dict(wanted.links), usual | other)

    def test_two_files_may_change_names(self) -> None:
        (wanted,) = self.tables(TABLE + 'files = { cert = "fullchain.pem", fullchain = "cert.pem" }\n')
        self.assertEqual(dict(wanted.links)[Part.CERT], Path("/out/fullchain.pem"))

    def test_names_that_cannot_be(self) -> None:
        for name in ("live", "sets", ".hidden", "..", "/", "", "a/live"):
            message = self.refused_file(f'{TABLE}files = {{ key = "{name}" }}\n')
            self.assertIn("key in files of certificate 1 in /etc/agent.toml", message)
        self.assertIn("is the name of another file", self.refused_file(TABLE + 'files = { key = "cert.pem" }\n'))
        self.assertIn("did you mean key?", self.refused_file(TABLE + 'files = { kye = "a" }\n'))
        self.assertIn("must be a table of names", self.refused_file(TABLE + 'files = "a"\n'))

    def test_a_mistake_names_its_table(self) -> None:
        self.assertIn("certificate 2 in /etc/agent.toml has no out", self.refused_file(
            TABLE + '[[certificate]]\ncommon-name = "x.example"\n'))  # fmt: skip
        self.assertIn("mode of certificate 1 in /etc/agent.toml must be", self.refused_file(TABLE + "mode = 600\n"))
        self.assertIn("did you mean owner?", self.refused_file(TABLE + 'onwer = "root"\n'))
        self.assertIn("holds on-renew twice", self.refused_file(TABLE + 'on-renew = "a"\non_renew = "b"\n'))

    def test_what_is_no_list_of_tables(self) -> None:
        for toml in ('certificate = "x"\n', "[certificate]\na = 1\n", "certificate = [1]\n"):
            self.assertIn("write [[certificate]]", self.refused_file(toml))
        self.assertIn("write 1 to 256", self.refused_file("certificate = []\n"))

    def test_two_that_get_in_each_others_way(self) -> None:
        self.assertIn("the name web.example", self.refused_file(TABLE + TABLE.replace("/out", "/other")))
        self.assertIn("the directory /out", self.refused_file(TABLE + OTHER.replace('"db"', '"/out"')))
        shared = 'files = { key = "/shared.key" }\n'
        self.assertIn("the file /shared.key", self.refused_file(TABLE + shared + OTHER + shared))

    def test_not_beside_the_flags_of_one(self) -> None:
        self.assertIn("--out is for the only certificate", self.refused({"psk": GOOD, "out": "/x"}, toml=TABLE))
