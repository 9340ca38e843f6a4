"""``twistd pkid``: the command line of the daemon.

Turns the table of settings into options, and options into a service. It imports the global
reactor, and does so as late as possible, so that ``--reactor`` still counts.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from twisted.application.service import IService
from twisted.cred.strcred import AuthOptionMixin
from twisted.python import usage

from pkid.garbage import no_collections, spare_what_is_loaded

with no_collections():
    from pkid.auth.logins import SCHEMES
    from pkid.files import read_small
    from pkid.options import ComponentOptions
    from pkid.settings import SettingsError
    from pkid.settings.resolution import Settings, resolve
    from pkid.settings.table import CORE

__all__ = ["Options", "makeService"]

_LOG = "pkid.log.stdout_observer"

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
  one counts. More keys are tables of that file, [psks.NAME]: see etc/pkid.toml.
  --psk '' as a flag turns authentication off, and the core says so everywhere.

Own certificates:
  --ca-cert and --ca-cert-key name the CA that issues in place of the one in
  DIR, --cert and --cert-key what the doors show: PEM files, which are read
  again when they change. With --ca-cert-key-pass alone, the key in DIR is
  stored encrypted; "pkid ca passphrase" changes that. The systemd credentials
  "ca-cert-key-pass" and "cert-key-pass" hold passphrases, too.

Names:
  Components prove their names to the broker by a pre-shared key (psk), by a
  certificate of this core (certificate), or by a key or password in its store
  (store). --auth adds other ways, and may be given several times; --auth none
  takes away those before it. keydir:DIR reads a directory of Rembus's layout;
  file:FILE, with a line NAME:PASSWORD each, and other checkers of Twisted take
  passwords over TLS. --help-auth lists the kinds, --help-auth-type KIND
  explains one.

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


class Options(ComponentOptions, AuthOptionMixin):
    """The options of ``twistd pkid``: one for each setting, and help about the kinds of ``--auth``."""

    supportedInterfaces = tuple(SCHEMES)
    component: ClassVar = CORE
    program: ClassVar = "pkid"
    about: ClassVar = _ABOUT
    notes: ClassVar = _NOTES
    settings: Settings
    resolve: Callable[[], Settings]
    """Finds the settings anew: the file may have changed."""

    def postOptions(self) -> None:
        """Check everything, so that a mistake is one line and not a daemon that stops later."""
        environ, directory = dict(os.environ), Path.cwd()  # both may change before the settings are read again
        self.resolve = lambda: resolve(self.given, environ, read_small, directory)
        try:
            self.settings = self.resolve()
        except SettingsError as error:
            raise usage.UsageError(str(error)) from None
        self._choose_log()

    def _choose_log(self) -> None:
        """Have ``twistd -n`` write its log to standard output at less cost, unless the operator wants another one."""
        twistd = self.parent
        if twistd is None or not twistd.get("nodaemon") or twistd.get("syslog") or twistd.get("logger"):
            return
        if twistd.get("logfile") in (None, "-"):
            twistd["logger"] = _LOG


def makeService(options: Options) -> IService:
    """Make the daemon's service from parsed options."""
    from twisted.internet import reactor

    # The service handles it once it runs; until then it must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Timers must not stand still when the wall clock is set back; what needs the wall clock asks for it.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]
    # What a library finds odd in a stranger's bytes is judged by pkid, and is no line of the log by itself.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pkid\.")

    reactor.callWhenRunning(spare_what_is_loaded)
    with no_collections():
        from pkid.service import make_service

        return make_service(options.settings, reactor, options.resolve)
