"""The settings that every component takes, under one name and by one rule; what each does is in the component's help.

Nothing of the daemon is known here, and nothing of Twisted: the shell has these settings, too.
"""

from __future__ import annotations

from pkid.settings import kinds
from pkid.settings.component import Setting

__all__ = [
    "ALLOW_WEAK_PSK",
    "CERT",
    "CERT_KEY",
    "CERT_KEY_PASS",
    "CERT_KEY_PASS_FILE",
    "CONFIG",
    "NO_TLS",
    "PSK",
    "PSK_FILE",
    "SHARED",
]

CONFIG = Setting("config", "FILE", kinds.path, None, "more settings, as TOML", short="c", in_file=False)

PSK = Setting("psk", "KEY", kinds.text, None, "the key itself, which ps shows; '' for no authentication")
PSK_FILE = Setting("psk-file", "FILE", kinds.path, None, "a file that holds the key; better than --psk")
ALLOW_WEAK_PSK = Setting("allow-weak-psk", "", kinds.boolean, "false", "accept a key that is easy to guess")

CERT = Setting("cert", "FILE", kinds.path, None, "own certificate to show, with its issuers (see Own certificates)")
CERT_KEY = Setting("cert-key", "FILE", kinds.path, None, "its private key, unless that is in the same file")
CERT_KEY_PASS = Setting("cert-key-pass", "TEXT", kinds.text, None, "what that is encrypted with; visible in ps")
CERT_KEY_PASS_FILE = Setting("cert-key-pass-file", "FILE", kinds.path, None, "a file that holds it; better")

NO_TLS = Setting("no-tls", "", kinds.boolean, "false", "speak plain text; tokens are needed all the same")

SHARED = (
    *("psk", "psk-file", "ca-cert", "no-tls"),
    *("cert", "cert-key", "cert-key-pass", "cert-key-pass-file"),
)
"""The names of the settings that every component takes."""
