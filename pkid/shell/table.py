"""The table of the shell's settings, some of which all components share: flags, variables and help derive from it."""

from __future__ import annotations

from pkid.settings import Component, Setting, kinds, shared
from pkid.settings.component_core import CA_FINGERPRINT, CORE
from pkid.shell.kinds import answer_format, seconds

__all__ = ["SHELL"]

PSK = Setting(shared.PSK.name, "KEY", kinds.text, None, "the pre-shared key; visible to everybody in ps")
CA_CERT = Setting("ca-cert", "FILE", kinds.path, None, "trust the CA certificates in this file, and ask nobody which")
STATE = Setting("state", "DIR", kinds.path, None, "the state of a core on this machine, which has its key")
NO_TLS = Setting(shared.NO_TLS.name, "", kinds.boolean, "false", "speak to the core in plain text, at http:")
TIMEOUT = Setting("timeout", "SECONDS", seconds, "60", "how long to wait for the core, each time")

CERT = Setting(shared.CERT.name, "FILE", kinds.path, None, "a certificate to show; it takes no key's place")

STDIN = Setting("stdin", "", kinds.boolean, "false", "read command lines from standard input")
DOWNLOAD_DIRECTORY = Setting("download-directory", "DIR", kinds.path, ".", "where received files go")
FORCE = Setting("force", "", kinds.boolean, "false", "let a received file take another one's place")
FORMAT = Setting("format", "FORMAT", answer_format, None, "text, json, ndjson or yaml; else what suits")
NO_COLOR = Setting("no-color", "", kinds.boolean, "false", "no colours (nor with NO_COLOR set)")

SHELL = Component(
    "shell",
    {
        "The core": (CORE, PSK, shared.PSK_FILE, STATE, CA_CERT, CA_FINGERPRINT, NO_TLS, TIMEOUT),
        "Its own certificate": (CERT, shared.CERT_KEY, shared.CERT_KEY_PASS, shared.CERT_KEY_PASS_FILE),
        "Commands and answers": (STDIN, DOWNLOAD_DIRECTORY, FORCE, FORMAT, NO_COLOR),
    },
)
"""The shell."""
