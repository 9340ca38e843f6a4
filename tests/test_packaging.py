"""What is shipped, and that it works where it is installed: the wheel, the source archive, Twisted's plugin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import twisted

from pkid import __version__
from tests.support import Case, require, slow

ROOT = Path(__file__).parent.parent
SHIPPED = ("pkid", "twisted", "tests", "etc", "docs", ".ci")
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "dropin.cache")
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PKID", "COVERAGE"))}
TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"
LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def run(*command: str | Path, cwd: Path | str = "/") -> str:
    """Run a program away from the checkout and return what it said; fail with that if it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}:\n{done.stdout}"
    return done.stdout


@cache
def distributions() -> Path:
    """Build the source archive, and the wheel from it, once; return the folder that holds both."""
    source = Path("packaging").absolute()  # below trial's own folder
    source.mkdir()
    for path in ROOT.iterdir():
        if path.is_dir() and path.name in SHIPPED:
            shutil.copytree(path, source / path.name, ignore=NOT_SOURCE)
        elif path.is_file():
            shutil.copy(path, source)
    (source / "twisted" / "plugins" / "dropin.cache").write_bytes(b"stale")
    run(sys.executable, "-m", "build", "--no-isolation", source, cwd=source)
    return source / "dist"


def files_below(folder: Path) -> set[str]:
    """Return the files below *folder*, without what Python and Twisted write when they run."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != "dropin.cache"
    }


class BuildCase(Case):
    """Has the distributions, or is skipped."""

    def setUp(self) -> None:
        for module in ("build", "pip", "setuptools"):
            require(find_spec(module), f"the Python package {module}")
        self.wheel = distributions() / f"pkid-{__version__}-py3-none-any.whl"
        self.archive = distributions() / f"pkid-{__version__}.tar.gz"


class ContentTests(BuildCase):
    def test_the_wheel_holds_pkid_and_its_plugins_and_nothing_else(self) -> None:
        with zipfile.ZipFile(self.wheel) as wheel:
            shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
        sources = {"pkid/" + name for name in files_below(ROOT / "pkid")}
        self.assertEqual(
            shipped, sources | {f"twisted/plugins/{name}.py" for name in ("pkid_auth", "pkid_endpoint", "pkid_plugin")}
        )
        self.assertIn("pkid/py.typed", shipped)
        self.assertTrue([name for name in shipped if name.startswith("pkid/store/migrations/versions/")])

    def test_the_wheel_names_its_licence_and_what_it_needs(self) -> None:
        with zipfile.ZipFile(self.wheel) as wheel:
            folder = f"pkid-{__version__}.dist-info"
            metadata = wheel.read(f"{folder}/METADATA").decode()
            self.assertIn(f"{folder}/licenses/LICENSE", wheel.namelist())
        for line in ("License: MIT", "Requires-Python: >=3.11", "Requires-Dist: twisted[tls]>=26.10"):
            self.assertIn(line, metadata)

    def test_the_source_archive_holds_what_is_needed_to_test_it(self) -> None:
        with tarfile.open(self.archive) as archive:
            shipped = {name.partition("/")[2] for name in archive.getnames()}
        for name in ("Makefile", "LICENSE", "tests/support.py", "etc/systemd/pkid.service", ".ci/run"):
            self.assertIn(name, shipped)
        self.assertEqual([name for name in shipped if name.endswith(("dropin.cache", ".pyc"))], [])


class InstalledTests(BuildCase):
    def environment(self) -> tuple[Path, Path]:
        """Make an empty virtual environment; return its interpreter and its library."""
        folder = Path(self.mktemp()).absolute()
        self.addCleanup(shutil.rmtree, folder)
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        return folder / "bin" / "python", folder / LIBRARY

    def environment_with_twisted(self) -> tuple[Path, Path]:
        """Make a virtual environment with its own Twisted, which borrows everything else."""
        python, library = self.environment()
        shutil.copytree(Path(twisted.__file__).parent, library / "twisted", ignore=NOT_SOURCE)
        # Python reads no .pth file there, so that pkid is not borrowed
        (library / "borrowed.pth").write_text(f"{Path(twisted.__file__).parent.parent}\n")
        return python, library

    def pip(self, python: Path, *arguments: str | Path) -> None:
        run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python, *arguments)

    def assert_pkid_runs(self, python: Path) -> None:
        """Both of Twisted's programs know pkid, also away from the checkout."""
        for program in (("-c", TWISTD), ("-m", "twisted")):
            self.assertIn("--psk-file", run(python, *program, "pkid", "--help"))
        self.assertEqual(run(python.with_name("pkid"), "--version"), f"pkid {__version__}\n")

    def test_twisted_knows_pkid_where_it_is_installed_and_is_whole_when_it_is_gone(self) -> None:
        python, library = self.environment_with_twisted()
        before = files_below(library)
        self.pip(python, "install", "--no-deps", "--no-index", self.wheel)
        self.assert_pkid_runs(python)
        self.assertEqual(run(python, "-c", "import pkid; print(pkid.__file__)").strip(), f"{library}/pkid/__init__.py")
        self.pip(python, "uninstall", "--yes", "pkid")
        self.assertEqual(files_below(library), before)
        self.assertNotIn("pkid", run(python, "-c", TWISTD, "--help"))

    def test_twisted_knows_pkid_where_its_source_is_installed(self) -> None:
        python, _library = self.environment_with_twisted()
        self.pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", self.wheel.parent.parent)
        self.assert_pkid_runs(python)

    def test_a_plain_installation_brings_all_that_it_needs(self) -> None:
        slow()
        python, _library = self.environment()
        self.pip(python, "install", self.wheel)
        self.assert_pkid_runs(python)
