"""The four components by the one rule for their settings: what they share, which source counts, where secrets stand."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pkid.exporter.settings import METRICS
from pkid.exporter.settings import resolve as resolve_exporter
from pkid.installer.settings import resolve as resolve_agent
from pkid.installer.table import AGENT
from pkid.settings import Component, SettingsError
from pkid.settings.certificates import PairFiles
from pkid.settings.resolution import resolve as resolve_core
from pkid.settings.shared import CONFIG, SHARED
from pkid.settings.sources import ReadFile
from pkid.settings.table import CORE
from pkid.shell.exits import ShellError
from pkid.shell.options import resolve as resolve_shell
from pkid.shell.table import SHELL
from tests.support import Case

WORK = Path("/work")

Flags = Mapping[str, str | bool]
Values = dict[str, Any]
"""What came out, by the setting's name."""


@dataclass(frozen=True)
class Program:
    """A component, what it needs besides, and what becomes of its settings."""

    component: Component
    values: Callable[[Flags, Mapping[str, str], ReadFile], tuple[Values, str]]
    """Resolves; also gives all settings as ``repr`` shows them."""
    needs: Flags = field(default_factory=dict)

    @property
    def takes_file(self) -> bool:
        return CONFIG in self.component.settings


def pair(own: PairFiles) -> Values:
    return {"cert": own.certificate, "cert-key": own.key, "cert-key-pass": own.passphrase}


def core(flags: Flags, environ: Mapping[str, str], read_file: ReadFile) -> tuple[Values, str]:
    found = resolve_core(flags, environ, read_file, WORK)
    values = {"psk": found.psk, "ca-cert": found.ca.certificate, "no-tls": not found.tls}
    return values | pair(found.host), repr(found)


def exporter(flags: Flags, environ: Mapping[str, str], read_file: ReadFile) -> tuple[Values, str]:
    found = resolve_exporter(flags, environ, read_file, WORK)
    return {"psk": found.psk, "ca-cert": found.ca_cert, "no-tls": not found.tls} | pair(found.own), repr(found)


def agent(flags: Flags, environ: Mapping[str, str], read_file: ReadFile) -> tuple[Values, str]:
    found = resolve_agent(flags, environ, read_file, WORK)
    plain = found.core.url.startswith("http:")
    values = {"psk": found.core.psk, "ca-cert": found.core.ca_cert, "no-tls": plain}
    return values | pair(found.core.own), repr(found)


def shell(flags: Flags, environ: Mapping[str, str], read_file: ReadFile) -> tuple[Values, str]:
    given = [part for name, value in flags.items() for part in (f"--{name}", *([] if value is True else [str(value)]))]
    try:
        found = resolve_shell(given, environ, read_file, WORK)
    except ShellError as error:
        raise SettingsError(str(error)) from None
    psk = found.psk if found.psk_file is None else read_file(found.psk_file).decode().rstrip("\n")
    values = {"psk": psk, "ca-cert": found.ca_cert, "no-tls": found.core.scheme == "http"}
    return values | pair(found.own), repr(found)


PROGRAMS = (
    Program(CORE, core),
    Program(METRICS, exporter, {"psk": "what the exporter needs"}),
    Program(AGENT, agent, {"psk": "what the agent needs", "common-name": "web.example", "out": "/out"}),
    Program(SHELL, shell),
)

BESIDE: Mapping[str, Flags] = {
    "ca-cert": {},
    "cert": {},
    "cert-key": {"cert": "/beside.crt"},
    "cert-key-pass": {"cert": "/beside.crt"},
    "no-tls": {},
    "psk": {},
}
"""The settings that have a value of their own, and what each needs beside it."""

PATHS = ("ca-cert", "cert", "cert-key")
SECRETS = ("psk", "cert-key-pass")


def variable(name: str) -> str:
    return name.upper().replace("-", "_")


class ComponentsCase(Case):
    def setUp(self) -> None:
        self.files: dict[str, str] = {}

    def read_file(self, path: Path) -> bytes:
        try:
            return self.files[str(path)].encode()
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None

    def value(self, program: Program, name: str, flags: Flags, environ: Mapping[str, str]) -> object:
        """Return what becomes of one setting, with what else the program needs."""
        beside = {key: value for key, value in {**program.needs, **BESIDE[name]}.items() if key != name}
        values, shown = program.values({**beside, **flags}, {"HOME": "/home/me", **environ}, self.read_file)
        if name in SECRETS:
            self.assertNotIn(str(values[name]), shown)
        found = values[name]
        return str(found) if isinstance(found, Path) else found

    def refused(self, program: Program, flags: Flags, environ: Mapping[str, str]) -> str:
        with self.assertRaises(SettingsError) as caught:
            program.values(flags, {"HOME": "/home/me", **environ}, self.read_file)
        return str(caught.exception)


class SharedTests(ComponentsCase):
    def test_all_four_take_the_same_settings_in_the_same_form(self) -> None:
        first = {setting.name: setting for setting in CORE.settings}
        self.assertEqual(set(SHARED), {*BESIDE, "psk-file", "cert-key-pass-file"})
        for program in PROGRAMS:
            taken = {setting.name: setting for setting in program.component.settings}
            for name in SHARED:
                self.assertIn(name, taken, program.component.name)
                self.assertEqual(taken[name].metavar, first[name].metavar)
                self.assertIs(taken[name].read, first[name].read)

    def test_the_names_of_the_four(self) -> None:
        self.assertEqual([each.component.name for each in PROGRAMS], ["core", "metrics", "agent", "shell"])


class PrecedenceTests(ComponentsCase):
    """A flag, then the component's own variable, then everybody's, then the file."""

    def written(self, name: str, rank: int) -> str:
        """Return what the source of this rank says, each another thing."""
        if name == "no-tls":
            return ("true", "false", "true")[rank]
        return f"/{rank}/{name}" if name in PATHS else f"a good value for {name}, {rank}"

    def meant(self, name: str, rank: int) -> object:
        return self.written(name, rank) == "true" if name == "no-tls" else self.written(name, rank)

    def test_each_source_hides_the_weaker_ones(self) -> None:
        for program in PROGRAMS:
            own, common = program.component.prefixes
            for name in BESIDE:
                flag: Flags = {name: True if name == "no-tls" else self.written(name, 0)}
                variables = {
                    own + variable(name): self.written(name, 1),
                    common + variable(name): self.written(name, 2),
                }
                with self.subTest(component=program.component.name, name=name):
                    self.assertEqual(self.value(program, name, flag, variables), self.meant(name, 0))
                    self.assertEqual(self.value(program, name, {}, variables), self.meant(name, 1))
                    del variables[own + variable(name)]
                    self.assertEqual(self.value(program, name, {}, variables), self.meant(name, 2))

    def test_the_file_is_the_weakest(self) -> None:
        for program in filter(lambda each: each.takes_file, PROGRAMS):
            for name in BESIDE:
                written = "true" if name == "no-tls" else f'"{self.written(name, 0)}"'
                self.files["/etc/it.toml"] = f"{name} = {written}\n"
                flags = {"config": "/etc/it.toml"}
                self.assertEqual(self.value(program, name, flags, {}), self.meant(name, 0))
                everybodys = {program.component.prefixes[1] + variable(name): self.written(name, 1)}
                self.assertEqual(self.value(program, name, flags, everybodys), self.meant(name, 1))

    def test_a_variable_of_its_own_that_means_nothing_is_refused(self) -> None:
        for program in PROGRAMS:
            own, _ = program.component.prefixes
            message = self.refused(program, program.needs, {f"{own}CERTT": "x"})
            self.assertIn(f"{own}CERTT in the environment is no setting; did you mean {own}CERT?", message)

    def test_the_variables_of_the_others_say_nothing_to_it(self) -> None:
        for program in PROGRAMS:
            others = [each.component.prefixes[0] for each in PROGRAMS if each is not program]
            environ = {f"{prefix}CERT": "/theirs" for prefix in others} | {f"{prefix}ODD": "x" for prefix in others}
            self.assertIsNone(self.value(program, "cert", {}, environ))


class SecretTests(ComponentsCase):
    """A secret is given itself, in a file, or as a credential of systemd."""

    def test_itself_or_in_a_file_from_every_source_in_the_order_of_their_strength(self) -> None:
        for program in PROGRAMS:
            own, common = program.component.prefixes
            for name in SECRETS:
                self.files = {f"/s/{rank}": f"a good secret in file {rank}\n" for rank in range(3)}
                self.files[f"/creds/{name}"] = "a good secret of systemd\n"
                weaker = {"CREDENTIALS_DIRECTORY": "/creds"}
                with self.subTest(component=program.component.name, name=name):
                    self.assertEqual(self.value(program, name, {}, weaker), "a good secret of systemd")
                    for rank, prefix in ((2, common), (1, own)):
                        itself, file = prefix + variable(name), f"{prefix}{variable(name)}_FILE"
                        found = self.value(program, name, {}, weaker | {file: f"/s/{rank}"})
                        self.assertEqual(found, f"a good secret in file {rank}")
                        weaker |= {itself: f"a good secret itself {rank}"}
                        self.assertEqual(self.value(program, name, {}, weaker), f"a good secret itself {rank}")
                    found = self.value(program, name, {f"{name}-file": "/s/0"}, weaker)
                    self.assertEqual(found, "a good secret in file 0")
                    self.assertEqual(
                        self.value(program, name, {name: "a good flag, really"}, weaker), "a good flag, really"
                    )

    def test_itself_and_a_file_from_one_source_exclude_each_other(self) -> None:
        for program in PROGRAMS:
            _, common = program.component.prefixes
            needs = {key: value for key, value in program.needs.items() if key != "psk"}
            for name in SECRETS:
                both = {f"{common}{variable(name)}": "x" * 20, f"{common}{variable(name)}_FILE": "/f"}
                beside = {**needs, **BESIDE[name], **({} if name == "psk" else {"psk": "a good key, 1234"})}
                self.assertIn("exclude each other", self.refused(program, beside, both))

    def test_a_passphrase_without_a_certificate_is_a_slip_unless_it_is_a_credential(self) -> None:
        self.files["/creds/cert-key-pass"] = "passphrase\n"
        for program in PROGRAMS:
            message = self.refused(program, {**program.needs, "cert-key-pass": "secret words"}, {})
            self.assertIn("--cert-key-pass is given without --cert", message)
            self.assertNotIn("secret words", message)
            credential = {"CREDENTIALS_DIRECTORY": "/creds"}
            self.assertIsNone(self.value(program, "cert", {}, credential))


class PlainTextTests(ComponentsCase):
    """Who asks a core asks it over TLS, unless it is said that this is not meant."""

    ASKING = tuple(each for each in PROGRAMS if each.component is not CORE)

    def test_an_address_without_tls_is_refused_unless_that_is_said(self) -> None:
        for program in self.ASKING:
            cases: tuple[tuple[Flags, dict[str, str]], ...] = (
                ({"core": "http://c"}, {}),
                ({}, {"PKID_CORE": "http://c"}),
            )
            for flags, environ in cases:
                message = self.refused(program, {**program.needs, **flags}, environ)
                self.assertIn("begins with http:, so that everybody on the way could read", message)
                self.assertIn("--no-tls", message)
                self.value(program, "no-tls", {**flags, "no-tls": True}, environ)

    def test_who_serves_nothing_cannot_have_it_both_ways(self) -> None:
        for program in self.ASKING:
            flags = {**program.needs, "core": "https://c", "no-tls": True}
            if program.component is METRICS:  # whose own door it is
                self.assertTrue(self.value(program, "no-tls", {"core": "https://c", "no-tls": True}, {}))
            else:
                self.assertIn("--core begins with https:, which --no-tls takes away", self.refused(program, flags, {}))

    def test_no_certificate_is_shown_without_tls(self) -> None:
        for program in self.ASKING:
            flags = {**program.needs, "cert": "/c", "no-tls": True}
            self.assertIn("--cert needs TLS, which --no-tls takes away", self.refused(program, flags, {}))
