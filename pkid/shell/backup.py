"""``pkid backup``: copies what a core must not lose into a new directory, also while the core runs.

The copy is a state directory itself. Knows which files cannot be made again; must not know what is in them.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pkid.errors import StateError
from pkid.files import PRIVATE, read_regular, sync_directory, write_atomically
from pkid.shell.doctor.ledger import open_read_only
from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import Options, Parser, default_state

__all__ = ["copy_state", "main"]

_FILES = ("ca.pem", "psk", "trust-domain", "decoy-key")
_LEDGER, _MESSAGES = "ledger.sqlite", "messages.sqlite"
_REMEDY = "run this as the core's user or as root, and see that the disk has room"

_DESCRIPTION = """\
Copy what a core must not lose into a new directory, while it runs or not:
ca.pem, psk, trust-domain, decoy-key, ledger.sqlite, as far as there are such.
The databases are copied as they are at one instant, and checked.
"""

_EPILOG = """\
The copy is for its owner only, whole or not there at all, and a state
directory: a core that is started on it goes on from there. What --config,
--psk-file, --ca-cert and the like name is not in it. It holds the CA's key:
keep it where you would keep that.
"""


def main(arguments: Sequence[str], options: Options) -> int:
    """Make a backup, say what is in it, and return the exit code.

    :raises ShellError: when the directory to copy is not known.
    :raises StateError: when something cannot be copied; nothing is left then.
    """
    parser = Parser(
        prog="pkid backup", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", metavar="DIR", help="the core's state [$XDG_STATE_HOME/pkid, ~/.local/state/pkid]")
    parser.add_argument("--messages", action="store_true", help="copy the broker's kept messages, too")
    parser.add_argument("directory", metavar="DIRECTORY", type=Path, help="where to; there must be none of that name")
    given = parser.parse_args(arguments)
    state = Path(given.state) if given.state else options.state or default_state(os.environ)
    if state is None:
        raise ShellError("there is no state of a core here: name it with --state", Exit.USAGE)
    copied = copy_state(state, given.directory, messages=given.messages)
    print(f"{given.directory} has {', '.join(copied)} of {state}")
    return Exit.DONE


def copy_state(state: Path, target: Path, *, messages: bool) -> list[str]:
    """Copy a state directory, and return the names of the files that were copied.

    :param messages: whether the broker's kept messages are wanted.
    :raises StateError: when something cannot be copied; nothing is left then.
    """
    if not (state / _LEDGER).exists():
        raise StateError(state, "holds no ledger that can be read", "name a core's state directory with --state")
    _refuse_links(state)
    with _new_directory(target) as new:
        copied = list(_copies(state, new, messages))
    return copied


def _refuse_links(state: Path) -> None:
    """Follow no link for root that another user could have made: it may lead to what is not that user's to have."""
    if os.geteuid() != 0 or state.stat().st_uid == 0:
        return
    for name in (*_FILES, _LEDGER, _MESSAGES):
        if (state / name).is_symlink():
            raise StateError(state / name, "is a link, and root follows none of another user", "run this as that user")


def _copies(state: Path, new: Path, messages: bool) -> Iterator[str]:
    for name in _FILES:
        if (state / name).exists():
            write_atomically(new / name, read_regular(state / name), PRIVATE)
            yield name
    for name in (_LEDGER, *((_MESSAGES,) if messages else ())):
        if (state / name).exists():
            _copy_database(state / name, new / name)
            yield name


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one instant, without what was deleted from it."""
    log = source.with_name(f"{source.name}-wal")
    try:
        used = log.exists()
        with closing(open_read_only(source)) as connection:
            connection.execute("VACUUM INTO ?", (os.fsdecode(target),))
        if log.exists() and not used:  # the copy was read as one of a file that nobody writes
            raise StateError(source, "came into use meanwhile", "run this again")
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StateError(source, f"cannot be copied ({error})", _REMEDY) from None
    if damage != "ok":
        raise StateError(source, f"is damaged: {damage}", "see pkid doctor; restore an older backup")
    target.chmod(PRIVATE)
    with target.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _new_directory(target: Path) -> Iterator[Path]:
    """Make a directory that gets its name when all is in it."""
    if os.path.lexists(target):
        raise StateError(target, "exists", "name a new directory for each backup")
    new = target.absolute().with_name(f".{target.name}.{os.getpid()}.new")
    try:
        new.mkdir(mode=0o700)
        yield new
        sync_directory(new)
        new.rename(target)
        sync_directory(target.absolute().parent)
    except OSError as error:
        where = error.filename or target
        raise StateError(where, f"cannot be copied or written ({error.strerror})", _REMEDY) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
