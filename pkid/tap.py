"""``twistd pkid``: the command line of the daemon.

Turns the table of settings into options, and options into a service. It is the only module that may import the
global reactor, and does so as late as possible, so that ``--reactor`` still counts.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import textwrap
import time
import warnings
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from twisted.application.service import IService
from twisted.python import usage

from pkid import __version__
from pkid.settings import GROUPS, SETTINGS, Setting, Settings, SettingsError, resolve

__all__ = ["Options", "makeService"]

_LARGEST_FILE = 1 << 20
_COLUMN = 28
_NARROWEST = 60

_ABOUT = """\
Give every component trusted TLS that renews itself, from one pre-shared key.
"""

_NOTES = """\
Endpoints:
  tcp:8900 listens on all addresses, IPv4 and IPv6; tcp:8900:interface=127.0.0.1
  on one (an IPv6 address with \\: for each colon); tcp:0 on a free port.
  unix:PATH and systemd:domain=INET6:name=NAME work too. The bound addresses are
  in the log and in DIR/addresses.

Files:
  All state is in the directory --state, which only its owner can read; by
  default $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/pkid, else
  ~/.local/state/pkid.

The pre-shared key:
  The first start makes one, keeps it in DIR and says where, unless one is
  given: by --psk-file or --psk, by their variables (PKID_PSK_FILE, PKID_PSK),
  by the systemd credential "psk", or by the file of --config. The strongest
  one counts.

Precedence:
  A flag, then the environment, then the file of --config, then the default.
  Every setting has one name: --leaf-lifetime is PKID_CORE_LEAF_LIFETIME, else
  PKID_LEAF_LIFETIME, in the environment and leaf-lifetime in the file. A flag
  without a value is true or false there.

Examples:
  twistd -n --pidfile= pkid
  twistd -n --pidfile= pkid --psk-file /etc/pkid/psk --https tcp:443
  PKID_LEAF_LIFETIME=30d twistd -n --pidfile= pkid --config /etc/pkid/pkid.toml
"""


class Options(usage.Options):
    """The options of ``twistd pkid``: one for each setting."""

    synopsis = "[options]"
    optFlags: ClassVar = [[setting.name, None, setting.help] for setting in SETTINGS if not setting.metavar]
    optParameters: ClassVar = [
        [setting.name, setting.short or None, None, setting.help] for setting in SETTINGS if setting.metavar
    ]
    settings: Settings

    def opt_version(self) -> NoReturn:
        """Display the version of pkid and exit."""
        print(f"pkid {__version__}")
        sys.exit(0)

    def parseArgs(self, *arguments: str) -> None:
        """Refuse arguments; they are not repeated, because one may be a piece of an unquoted key."""
        if arguments:
            raise usage.UsageError(f"{len(arguments)} arguments belong to no option; quote a value that holds spaces")

    def postOptions(self) -> None:
        """Check everything, so that a mistake is one line and not a daemon that stops later."""
        names = {setting.name for setting in SETTINGS}
        given = {name: value for name, value in self.items() if name in names and value not in (None, 0)}
        try:
            self.settings = resolve(given, os.environ, _read_file, Path.cwd())
        except SettingsError as error:
            raise usage.UsageError(str(error)) from None

    def __repr__(self) -> str:
        """Show no values: one may be the pre-shared key."""
        return "<Options of pkid>"

    def getUsage(self, width: int | None = None) -> str:
        """Write the help: the settings by group, then what one needs to know about them."""
        columns = max(width or shutil.get_terminal_size().columns, _NARROWEST)
        lines = [_ABOUT]
        for title, group in GROUPS.items():
            lines += [f"{title}:", *(_describe(_spell(setting), _explain(setting), columns) for setting in group), ""]
        lines += ["Information:", _describe("--help", "show this and exit", columns)]
        lines += [_describe("--version", "show the version of pkid and exit", columns), "", _NOTES.rstrip()]
        return "\n".join(lines)


def makeService(options: Options) -> IService:
    """Make the daemon's service from parsed options."""
    from twisted.internet import reactor

    # The service handles it once it runs; until then it must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Timers must not stand still when the wall clock is set back; what needs the wall clock asks for it.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]
    # What a library finds odd in a stranger's bytes is judged by pkid, and is no line of the log by itself.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pkid\.")

    from pkid.service import make_service

    return make_service(options.settings, reactor)


def _read_file(path: Path) -> bytes:
    """Read a small file; a device without an end is no reason to wait for ever."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def _spell(setting: Setting[Any]) -> str:
    short = f"-{setting.short}, " if setting.short else ""
    return f"{short}{setting.flag} {setting.metavar}".rstrip()


def _explain(setting: Setting[Any]) -> str:
    return f"{setting.help} [{setting.default}]" if setting.metavar and setting.default else setting.help


def _describe(option: str, explanation: str, columns: int) -> str:
    start = f"  {option}".ljust(_COLUMN)
    return textwrap.fill(start + explanation, columns, subsequent_indent=" " * _COLUMN)
