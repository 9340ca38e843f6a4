"""The laws of the layout, kept by walking the source and by imports in fresh processes."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support import Case

ROOT = Path(__file__).parent.parent
PURE = [house for house in ("ca", "auth", "inventory", "broker") if (ROOT / "pkid" / house).exists()]
DOORS = ("web", "line", "rembus")

KNOWN_TO_PURE = {
    "ca": ("pkid.ca", "pkid.errors"),
    "broker": ("pkid.broker", "pkid.ca", "pkid.errors"),
    "inventory": ("pkid.inventory", "pkid.errors"),
    "auth": ("pkid.auth", "pkid.ca", "pkid.errors"),
}
CODECS = ("pkid.line.codec",)
"""What doors read and write; as pure as the houses that decide."""
TWISTED_IN_AUTH = ("twisted.cred", "twisted.internet.defer")
OUTSIDE_WORLD = ("asyncio", "io", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "threading")
CLOCKS_AND_DICE = ("random", "secrets", "time", "uuid")
CALLS_OUTSIDE = ("open", "datetime.now", "datetime.utcnow", "date.today", "random_serial_number")
OF_COMPONENTS = (
    "pkid.agent",
    "pkid.answers",
    "pkid.client",
    "pkid.exchange",
    "pkid.installer",
    "pkid.jwt",
    "pkid.line.client",
    "pkid.shell",
    "pkid.x509",
)
NOT_OF_THE_DAEMON = ("alembic", "nats", "pkid.testing", "prompt_toolkit", "rich", "treq", *OF_COMPONENTS)
KNOWN_TO_AGENT = (
    "pkid.agent",
    "pkid.answers",
    "pkid.auth",
    "pkid.ca",
    "pkid.errors",
    "pkid.exchange",
    "pkid.files",
    "pkid.jwt",
    "pkid.origin",
)

KNOWN_TO_LINE_CLIENT = (*KNOWN_TO_AGENT, "pkid.broker", "pkid.credential_files", "pkid.line.client")

KNOWN_TO_INSTALLER = (
    *KNOWN_TO_AGENT,
    "pkid.installer",
    "pkid.options",
    "pkid.readiness",
    "pkid.settings",
    "pkid.start",
)

LOADED_BY = """
import importlib, json, pkgutil, sys
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        importlib.import_module(found.name)
print(json.dumps(sorted(sys.modules)))
"""


def imports(tree: ast.AST, package: str = "") -> Iterator[str]:
    """Yield the full dotted name of everything imported anywhere in *tree*, a module of *package*."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def calls(tree: ast.AST) -> Iterator[str]:
    """Yield everything called in *tree*, as it is written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def skips(tree: ast.AST) -> Iterator[str]:
    """Yield the ways to skip a test, or to excuse its failure, that *tree* uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="SkipTest") | ast.Attribute(attr="SkipTest" | "skipTest"):
                yield "SkipTest"
            case ast.Name(id="skip" | "todo", ctx=ast.Store()) | ast.Attribute(attr="skip" | "todo", ctx=ast.Store()):
                yield "skip or todo"
            case ast.Name(id=str(name)) | ast.Attribute(attr=str(name)) if name in {"skipIf", "skipUnless"}:
                yield name


def is_within(name: str, *packages: str) -> bool:
    """Tell whether the dotted *name* is one of *packages* or below it."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def ends_in(name: str, *names: str) -> bool:
    """Tell whether the dotted *name* is one of *names*, or ends in one."""
    return any(f".{name}".endswith(f".{end}") for end in names)


def modules(folder: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield path, package and syntax tree of every module below *folder*."""
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(ROOT)
        yield str(relative), ".".join(relative.parent.parts), ast.parse(path.read_text(), str(path))


def imported(folder: Path) -> list[tuple[str, str]]:
    """Return path and imported name for every import below *folder*."""
    return [(path, name) for path, package, tree in modules(folder) for name in imports(tree, package)]


def _module(path: str) -> str:
    """Return the dotted name of the module at *path*."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def loaded_by(*names: str) -> list[str]:
    """Import *names* and all their submodules in a fresh process and return what it has loaded then."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BY, *names], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout)
    return loaded


class PureHouseTests(Case):
    """ca, auth, inventory and broker decide; they do not touch the world."""

    def test_there_are_some(self) -> None:
        self.assertEqual(PURE[:3], ["ca", "auth", "inventory"])

    def test_they_know_of_pkid_only_each_other_and_the_errors(self) -> None:
        for house in PURE:
            wrong = [
                (path, name)
                for path, name in imported(ROOT / "pkid" / house)
                if is_within(name, "pkid") and not is_within(name, *KNOWN_TO_PURE[house])
            ]
            self.assertEqual(wrong, [])

    def test_only_auth_knows_anything_of_twisted(self) -> None:
        for house in PURE:
            allowed = TWISTED_IN_AUTH if house == "auth" else ()
            wrong = [
                (path, name)
                for path, name in imported(ROOT / "pkid" / house)
                if is_within(name, "twisted") and not is_within(name, *allowed)
            ]
            self.assertEqual(wrong, [])

    def test_they_have_no_files_clock_or_randomness_of_their_own(self) -> None:
        for house in PURE:
            folder = ROOT / "pkid" / house
            wrong = [
                (path, name) for path, name in imported(folder) if is_within(name, *OUTSIDE_WORLD, *CLOCKS_AND_DICE)
            ]
            wrong += [
                (path, name)
                for path, _, tree in modules(folder)
                for name in calls(tree)
                if ends_in(name, *CALLS_OUTSIDE)
            ]
            self.assertEqual(wrong, [])

    def test_importing_them_installs_no_reactor(self) -> None:
        for house in PURE:
            self.assertNotIn("twisted.internet.reactor", loaded_by(f"pkid.{house}"), house)

    def test_importing_any_but_auth_loads_nothing_of_twisted(self) -> None:
        for house in PURE:
            if house != "auth":
                self.assertEqual([name for name in loaded_by(f"pkid.{house}") if is_within(name, "twisted")], [])


class EdgeTests(Case):
    """Doors are independent, and the daemon loads only what it needs."""

    def test_doors_do_not_import_one_another(self) -> None:
        for door in DOORS:
            others = [f"pkid.{other}" for other in DOORS if other != door]
            wrong = [(path, name) for path, name in imported(ROOT / "pkid" / door) if is_within(name, *others)]
            self.assertEqual(wrong, [])

    def test_of_the_rembus_door_only_what_holds_the_connection_knows_twisted(self) -> None:
        edges = {f"pkid/rembus/{module}.py" for module in ("connections", "factory", "protocol")}
        users = {path for path, name in imported(ROOT / "pkid" / "rembus") if is_within(name, "twisted")}
        self.assertEqual(users - edges, set())

    def test_codecs_have_no_reactor_clock_or_files_of_their_own(self) -> None:
        for codec in CODECS:
            house = codec.rpartition(".")[0]
            loaded = {name for name in loaded_by(codec) if is_within(name, house)}
            used = [entry for entry in imported(ROOT / "pkid") if _module(entry[0]) in loaded]
            self.assertGreater(len(used), 10)
            foreign = ("twisted", *OUTSIDE_WORLD, *CLOCKS_AND_DICE)
            self.assertEqual([entry for entry in used if is_within(entry[1], *foreign)], [])

    def test_commands_know_no_door(self) -> None:
        doors = [f"pkid.{door}" for door in (*DOORS, "door", "service")]
        wrong = [(path, name) for path, name in imported(ROOT / "pkid" / "commands") if is_within(name, *doors)]
        self.assertEqual(wrong, [])

    def test_metrics_know_no_door(self) -> None:
        doors = [f"pkid.{door}" for door in (*DOORS, "door", "service")]
        wrong = [(path, name) for path, name in imported(ROOT / "pkid" / "metrics") if is_within(name, *doors)]
        self.assertEqual(wrong, [])

    def test_the_broker_at_work_knows_no_door_and_no_database(self) -> None:
        foreign = [f"pkid.{name}" for name in (*DOORS, "door", "service", "store")]
        wrong = [(path, name) for path, name in imported(ROOT / "pkid" / "messaging") if is_within(name, *foreign)]
        self.assertEqual(wrong, [])

    def test_the_agent_knows_nothing_of_the_daemon(self) -> None:
        wrong = [
            (path, name)
            for path, name in imported(ROOT / "pkid" / "agent")
            if is_within(name, "pkid") and not is_within(name, *KNOWN_TO_AGENT)
        ]
        self.assertEqual(wrong, [])

    def test_the_installer_stands_on_the_agent_and_knows_nothing_of_the_daemon(self) -> None:
        wrong = [
            (path, name)
            for path, name in imported(ROOT / "pkid" / "installer")
            if is_within(name, "pkid") and not is_within(name, *KNOWN_TO_INSTALLER)
        ]
        self.assertEqual(wrong, [])

    def test_the_client_of_the_line_door_stands_on_the_agent_and_the_codec_and_knows_nothing_of_the_daemon(
        self,
    ) -> None:
        codec = [name for name in loaded_by(*CODECS) if is_within(name, "pkid.line")]
        wrong = [
            (path, name)
            for path, name in imported(ROOT / "pkid" / "line" / "client")
            if is_within(name, "pkid") and not is_within(name, *KNOWN_TO_LINE_CLIENT, *set(codec) - {"pkid.line"})
        ]
        self.assertEqual(wrong, [])

    def test_the_agent_leaves_the_choice_of_reactor_open(self) -> None:
        loaded = loaded_by("pkid.agent", "pkid.installer", "pkid.line.client", "pkid.testing")
        self.assertEqual([name for name in loaded if name in {"twisted.internet.reactor", "treq"}], [])

    def test_only_command_lines_import_the_reactor(self) -> None:
        users = {
            path
            for folder in (ROOT / "pkid", ROOT / "twisted")
            for path, name in imported(folder)
            if is_within(name, "twisted.internet.reactor")
        }
        self.assertEqual(users, {"pkid/tap.py", "pkid/exporter/tap.py", "pkid/installer/tap.py"})

    def test_the_exporter_loads_nothing_of_the_database_and_no_reactor(self) -> None:
        loaded = loaded_by("pkid.exporter")
        foreign = ("sqlalchemy", "alembic", "pkid.service", "twisted.internet.reactor")
        self.assertEqual([name for name in loaded if is_within(name, *foreign)], [])

    def test_the_plugin_imports_nothing_of_pkid(self) -> None:
        self.assertEqual([entry for entry in imported(ROOT / "twisted") if is_within(entry[1], "pkid")], [])

    def test_twisted_keeps_its_own_packages(self) -> None:
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_the_daemon_loads_nothing_of_the_clients(self) -> None:
        loaded = loaded_by("pkid.tap", "pkid.service")
        self.assertEqual([name for name in loaded if is_within(name, *NOT_OF_THE_DAEMON)], [])

    def test_the_shell_loads_nothing_of_twisted(self) -> None:
        self.assertEqual([name for name in loaded_by("pkid.shell") if is_within(name, "twisted")], [])

    def test_what_all_components_settings_share_loads_nothing_of_twisted_or_the_daemon(self) -> None:
        loaded = loaded_by("pkid.settings.certificates", "pkid.settings.component_kinds", "pkid.settings.shared")
        foreign = ("twisted", "pkid.settings.table", "pkid.settings.resolution")
        self.assertEqual([name for name in loaded if is_within(name, *foreign)], [])

    def test_one_command_loads_nothing_that_only_a_terminal_needs(self) -> None:
        loaded = loaded_by("pkid.shell.main", "pkid.shell.program")
        self.assertEqual([name for name in loaded if is_within(name, "prompt_toolkit", "rich", "sqlalchemy")], [])

    def test_the_daemon_leaves_the_choice_of_reactor_open(self) -> None:
        self.assertNotIn("twisted.internet.reactor", loaded_by("pkid.tap", "pkid.service"))


class TestSuiteTests(Case):
    """No test is lost or skipped unnoticed."""

    def test_every_folder_is_a_package_with_a_docstring(self) -> None:
        wrong = []
        for folder in sorted({path.parent for path in (ROOT / "tests").rglob("*.py")}):
            init = folder / "__init__.py"
            if not init.exists() or not ast.get_docstring(ast.parse(init.read_text())):
                wrong.append(str(init.relative_to(ROOT)))
        self.assertEqual(wrong, [])

    def test_only_support_skips(self) -> None:
        used = [(path, how) for path, _, tree in modules(ROOT / "tests") for how in skips(tree)]
        self.assertEqual({path for path, _ in used}, {"tests/support.py"}, used)


class WalkTests(Case):
    """The walk itself sees what it must."""

    def test_imports_are_seen_wherever_they_stand(self) -> None:
        source = (
            "import a.b\ndef f():\n  from twisted.internet import reactor as r\n  from .x import y\n  from .. import z"
        )
        self.assertEqual(
            list(imports(ast.parse(source), "pkid.web")), ["a.b", "twisted.internet.reactor", "pkid.web.x.y", "pkid.z"]
        )

    def test_a_name_is_within_its_package_and_not_within_a_namesake(self) -> None:
        self.assertTrue(is_within("pkid.web", "pkid.web"))
        self.assertTrue(is_within("pkid.web.site", "pkid.line", "pkid.web"))
        self.assertFalse(is_within("pkid.website", "pkid.web"))

    def test_a_call_is_known_by_the_end_of_its_name(self) -> None:
        called = list(calls(ast.parse("open('x'); dt.datetime.now(UTC); now(); self.now(); x.reopen()")))
        self.assertEqual(called, ["open", "dt.datetime.now", "now", "self.now", "x.reopen"])
        self.assertEqual([name for name in called if ends_in(name, *CALLS_OUTSIDE)], ["open", "dt.datetime.now"])

    def test_every_way_to_skip_is_seen(self) -> None:
        for source in (
            "raise SkipTest('x')",
            "raise unittest.SkipTest",
            "self.skipTest('x')",
            "test.skip = 'x'",
            "class T:\n  todo = 'x'",
            "@unittest.skipIf(1, 'x')\ndef test(): 0",
        ):
            self.assertEqual(len(list(skips(ast.parse(source)))), 1, source)
        self.assertEqual(list(skips(ast.parse("print(skip)"))), [])
