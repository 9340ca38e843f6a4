"""``pkid ca passphrase``: sets, changes or removes the passphrase of the CA's private key.

Works on the file alone, beside a running core too, which reads it at its next start. A passphrase is never an argument,
because everybody can see those.
"""

from __future__ import annotations

import os
import stat
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path

from pkid.ca.pem import LONGEST_PASSPHRASE, is_encrypted, read_key, replace_key, write_key
from pkid.errors import StateError, Unusable
from pkid.files import PRIVATE, read_regular, write_atomically

__all__ = ["main"]

Ask = Callable[[str], str]
"""Asks a person for a secret, with a prompt."""

_DONE, _FAILED, _INTERRUPTED = 0, 1, 130
_SHORTEST = 12  # characters, below which a warning is in order: the key's file is all that guessing needs
_DESCRIPTION = """\
Set, change or remove the passphrase of the CA's private key. The file alone is
changed, also beside a running core, which reads it at its next start. A
passphrase is never an argument, because everybody can see those.
"""
_EPILOG = """\
Without the files, the passphrases are taken from the variables PKID_OLD_PASS and
PKID_NEW_PASS, and else asked for on the terminal. A file holds one line.

The core needs the new passphrase at its next start: --ca-cert-key-pass-file FILE,
PKID_CA_CERT_KEY_PASS, or the systemd credential "ca-cert-key-pass".
"""


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ, ask: Ask | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 nothing was changed, 130 interrupted.

    :param ask: asks for a secret; by default on the terminal, if there is one.
    :raises SystemExit: when help is asked for, or the arguments are none of its own (2).
    """
    options = _parser().parse_args(arguments)
    source = _Source(environ, ask or _ask)
    try:
        print(_change(_key_file(options, environ), options, source))
    except (StateError, _NoPassphrase) as error:
        print(f"pkid: {error}", file=sys.stderr)
        return _FAILED
    except (KeyboardInterrupt, EOFError):
        print("pkid: interrupted; nothing was changed", file=sys.stderr)
        return _INTERRUPTED
    return _DONE


class _NoPassphrase(Exception):
    """A passphrase is needed, and there is none that can be used."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where passphrases come from: a file, else the environment, else a person."""

    environ: Mapping[str, str]
    ask: Ask

    def old(self, file: Path | None) -> str:
        return self._given(file, "PKID_OLD_PASS") or self.ask("The passphrase of today: ")

    def new(self, file: Path | None) -> str:
        passphrase = self._given(file, "PKID_NEW_PASS")
        if passphrase is None:
            passphrase = self.ask("The new passphrase: ")
            if passphrase != self.ask("The new passphrase again: "):
                raise _NoPassphrase("the two are not the same; nothing was changed")
        if not passphrase:
            raise _NoPassphrase("the new passphrase is empty; give one, or remove it with --remove")
        if not passphrase.isprintable() or len(passphrase.encode(errors="replace")) > LONGEST_PASSPHRASE:
            raise _NoPassphrase(f"a passphrase is one printable line of {LONGEST_PASSPHRASE} bytes or less")
        return passphrase

    def _given(self, file: Path | None, variable: str) -> str | None:
        if file is None:
            return self.environ.get(variable)
        try:
            return read_regular(file).decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise _NoPassphrase(f"{file} does not hold a passphrase: that is one line of UTF-8 text") from None


def _parser() -> ArgumentParser:
    parser = ArgumentParser("pkid ca passphrase", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--state", type=Path, metavar="DIR", help="the core's state directory, whose ca.pem is meant")
    which.add_argument("--ca-cert-key", type=Path, metavar="FILE", help="the key of an own CA instead")
    parser.add_argument("--old-pass-file", type=Path, metavar="FILE", help="holds the passphrase of today")
    after = parser.add_mutually_exclusive_group()
    after.add_argument("--new-pass-file", type=Path, metavar="FILE", help="holds the new passphrase")
    after.add_argument("--remove", action="store_true", help="store the key without one")
    return parser


def _key_file(options: Namespace, environ: Mapping[str, str]) -> Path:
    """Return the file that holds the key; by default that of a core that this user runs."""
    if options.ca_cert_key is not None:
        return Path(options.ca_cert_key)
    home = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", ""), ".local", "state"), "pkid")
    return Path(options.state or environ.get("PKID_STATE") or home, "ca.pem")


def _change(path: Path, options: Namespace, source: _Source) -> str:
    """Write the key anew, and return what to tell.

    :raises StateError: when that cannot be; the file is as it was then.
    """
    content = read_regular(path)
    try:
        key = read_key(content, source.old(options.old_pass_file) if is_encrypted(content) else None)
        passphrase = None if options.remove else source.new(options.new_pass_file)
        changed = replace_key(content, write_key(key, passphrase))
    except Unusable as error:
        raise StateError(path, error.problem, error.remedy) from None
    _rewrite(path.resolve(), changed, stat.S_IRGRP if options.ca_cert_key else 0)
    if passphrase is None:
        return f"{path} is not encrypted any more; leave --ca-cert-key-pass out at the core's next start"
    weak = "; it is short, and who gets the file can guess it" if len(passphrase) < _SHORTEST else ""
    return f"{path} is encrypted with the new passphrase, which the core needs at its next start{weak}"


def _rewrite(path: Path, content: bytes, kept: int) -> None:
    """Write the file for its owner alone, but for those permissions that are to be kept."""
    try:
        found = path.stat()
        mode = PRIVATE | (found.st_mode & kept)
        write_atomically(path, content, mode, (found.st_uid, found.st_gid))
    except OSError as error:
        raise StateError(path, f"cannot be written ({error.strerror})", "run this as its owner") from None


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise _NoPassphrase("there is no terminal to ask on; use --old-pass-file and --new-pass-file")
    return getpass(prompt)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
