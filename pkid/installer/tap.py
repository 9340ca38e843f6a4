"""``twistd pkid-agent``: the command line of the agent.

It imports the global reactor, and does so as late as possible, so that ``--reactor`` still counts.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from twisted.application.service import IService
from twisted.python import usage

from pkid.files import read_small
from pkid.installer.settings import AgentSettings, resolve
from pkid.installer.table import AGENT
from pkid.options import ComponentOptions
from pkid.settings import SettingsError

__all__ = ["Options", "makeService"]

_ABOUT = """\
Keep certificates in files, for programs that read files: get them from a core,
renew them in time, and tell the programs.
"""

_NOTES = """\
The files:
  key.pem, cert.pem, chain.pem (the issuers up to the CA), fullchain.pem (what
  a server shows), ca.pem (to verify others by) in the directory --out. They
  are links, and change all at once. An owner, a group and a mode count for
  the files, not for the directory.

Several certificates:
  The file of --config holds a table [[certificate]] for each, with the keys
  name, common-name, dns-names, ip-addresses, identity, key-type, out,
  combined, owner, group, mode, on-renew, on-renew-timeout; files, a table of
  other names or paths: key, cert, chain, fullchain, ca, combined.

The command of --on-renew:
  Runs for each new set of files, also the first, in the directory --out, and
  again after a failure until it succeeds. PKID_NAME, PKID_DIR,
  PKID_COMMON_NAME, PKID_SERIAL and PKID_NOT_AFTER tell it what is new.

A certificate to begin with:
  One that the core issued before, as "certificate create" does, for all names
  that are wanted. The first certificate of each is got with it, instead of
  with the pre-shared key, which then may be missing; to know the core, give
  --ca-cert or --ca-fingerprint in its place. The file is only read.

Status:
  "pkid agent status" shows it. It stands at DIR/status.sock of the state
  directory, or in $RUNTIME_DIRECTORY, for root and the agent's own user.
  SIGHUP makes the agent read its file again and check everything at once.

Precedence:
  A flag, then the environment, then the file of --config, then the default.
  --core is PKID_AGENT_CORE, else PKID_CORE, in the environment and core in
  the file. The systemd credentials "psk" and "cert-key-pass" count, too.

Examples:
  twistd -n --pidfile= pkid-agent --core https://core.example:8900 \\
      --psk-file /etc/pkid/psk --common-name www.example.com \\
      --out /etc/nginx/pkid --on-renew 'systemctl reload nginx'
  twistd -n --pidfile= pkid-agent --config /etc/pkid/agent/web.toml
"""


class Options(ComponentOptions):
    """The options of ``twistd pkid-agent``: one for each setting."""

    component: ClassVar = AGENT
    program: ClassVar = "pkid-agent"
    about: ClassVar = _ABOUT
    notes: ClassVar = _NOTES
    settings: AgentSettings
    resolve: Callable[[], AgentSettings]
    """Finds the settings anew: the file may have changed."""

    def postOptions(self) -> None:
        """Check everything, so that a mistake is one line and not an agent that stops later."""
        environ, directory = dict(os.environ), Path.cwd()  # both may change before the settings are read again
        self.resolve = lambda: resolve(self.given, environ, read_small, directory)
        try:
            self.settings = self.resolve()
        except SettingsError as error:
            raise usage.UsageError(str(error)) from None


def makeService(options: Options) -> IService:
    """Make the agent's service from parsed options."""
    from twisted.internet import reactor

    # The service handles it once it runs; until then it must not end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Timers must not stand still when the wall clock is set back; what needs the wall clock asks for it.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]

    from pkid.installer.service import make_service

    return make_service(options.settings, reactor, options.resolve)
