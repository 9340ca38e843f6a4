"""``twistd pkid-metrics``: the command line of the exporter."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from twisted.application.service import IService
from twisted.python import usage

from pkid.exporter.settings import METRICS, MetricsSettings, resolve
from pkid.files import read_small
from pkid.options import ComponentOptions
from pkid.settings import SettingsError

__all__ = ["Options", "makeService"]

_ABOUT = """\
Tell Prometheus about a core: certificates, credentials, and what it counts.
"""

_NOTES = """\
The pre-shared key:
  One whose role is "observe" is enough: it may look, and have one certificate.
  With --no-tls the role "read" will do.

Trust:
  The CA certificate is fetched from the core the first time, with the key's
  word for it, and kept in DIR; then nothing else is trusted.

Precedence:
  A flag, then the environment, then the file of --config, then the default.
  --core is PKID_METRICS_CORE, else PKID_CORE, in the environment and core in
  the file.

Examples:
  twistd -n --pidfile= pkid-metrics --core https://core.example:8900 \\
      --psk-file /etc/pkid/psk
  curl --cacert ~/.local/state/pkid-metrics/ca.crt \\
      https://localhost:9955/metrics
"""


class Options(ComponentOptions):
    """The options of ``twistd pkid-metrics``: one for each setting."""

    component: ClassVar = METRICS
    program: ClassVar = "pkid-metrics"
    about: ClassVar = _ABOUT
    notes: ClassVar = _NOTES
    settings: MetricsSettings

    def postOptions(self) -> None:
        """Check everything, so that a mistake is one line and not an exporter that stops later."""
        try:
            self.settings = resolve(self.given, os.environ, read_small, Path.cwd())
        except SettingsError as error:
            raise usage.UsageError(str(error)) from None


def makeService(options: Options) -> IService:
    """Make the exporter's service from parsed options."""
    from twisted.internet import reactor

    # There is nothing to read again, and nothing to end for.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Timers must not stand still when the wall clock is set back; what needs the wall clock asks for it.
    reactor.seconds = time.monotonic  # type: ignore[method-assign]

    from pkid.exporter.service import make_service

    return make_service(options.settings, reactor)
