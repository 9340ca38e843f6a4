"""The options of `pkid`: one table, from which the flags, the variables of the environment and the help derive.

Knows what may be given and what is strongest; reads no file, and no key that is in one.
"""

from __future__ import annotations

import re
from argparse import REMAINDER, SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

from pkid import __version__
from pkid.exchange import Origin
from pkid.shell.exits import Exit, ShellError
from pkid.shell.manual import DESCRIPTION, EPILOG, SYNOPSIS

__all__ = ["DEFAULT_CORE", "Format", "Options", "Parser", "default_state", "resolve"]

DEFAULT_CORE = Origin("https", "localhost", 8900)
"""Where a core is unless something else is said."""

_PREFIXES = ("PKID_SHELL_", "PKID_")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_FINGERPRINT = re.compile(r"(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}", re.IGNORECASE)
_LONGEST_TIMEOUT = 86400  # seconds


class Format(Enum):
    """What the core can answer in: the words of ``--format``, and content types."""

    TEXT = "text/plain"
    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    YAML = "application/yaml"


@dataclass(frozen=True, slots=True)
class Options:
    """What the program was told, checked."""

    core: Origin
    """Where the core is."""
    psk: str | None = field(repr=False)
    """The pre-shared key; empty for none at all, ``None`` when it is to be looked for."""
    psk_file: Path | None
    """The file that holds it."""
    ca_cert: Path | None
    """The file with the CA certificate to trust."""
    ca_fingerprint: str | None
    """Its SHA-256, as :func:`pkid.ca.trust.fingerprint` writes it."""
    state: Path | None
    """The state directory of a core on this machine, if one was named."""
    download_directory: Path
    """Where received files go."""
    force: bool
    """Whether a received file may take the place of another."""
    format: Format | None
    """What the core is asked for; ``None`` for what suits the terminal."""
    color: bool
    """Whether a terminal may show colours."""
    timeout: timedelta
    """How long to wait for the core, each time that it is waited for."""
    stdin: bool
    """Whether the commands are on standard input."""
    words: tuple[str, ...]
    """The command."""


@dataclass(frozen=True, slots=True)
class _Option:
    name: str
    metavar: str
    read: Callable[[str], object]
    help: str

    def variable(self, prefix: str) -> str:
        return prefix + self.name.upper().replace("-", "_")


def resolve(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Find the value of each option: a flag is stronger than ``PKID_SHELL_X``, and that than ``PKID_X``.

    :raises ShellError: when something cannot be used.
    :raises SystemExit: when help is asked for, or the arguments are no options.
    """
    flags = vars(_parser().parse_args(arguments))
    words = tuple(flags.pop("words"))
    levels = [{name.replace("_", "-"): (f"--{name.replace('_', '-')}", value) for name, value in flags.items()}]
    levels += [_environment(prefix, environ) for prefix in _PREFIXES]
    values = {option.name.replace("-", "_"): _value(option, levels) for option in _OPTIONS}
    psk, psk_file = _secret(levels)
    color = not (values.pop("no_color") or environ.get("NO_COLOR"))
    return Options(**values | {"psk": psk, "psk_file": psk_file, "color": color, "words": _without_dashes(words)})


def default_state(environ: Mapping[str, str]) -> Path | None:
    """Return the directory in which a core, and this program, keep things for one user, if there can be one."""
    base, home = Path(environ.get("XDG_STATE_HOME", "")), Path(environ.get("HOME", ""))
    if base.is_absolute():  # XDG Base Directory Specification: a relative one is ignored
        return base / "pkid"
    return home / ".local" / "state" / "pkid" if home.is_absolute() else None


def _environment(prefix: str, environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    names = {option.variable(prefix): option.name for option in _OPTIONS}
    if prefix == _PREFIXES[0]:
        for variable in environ:
            if variable.startswith(prefix) and variable not in names:
                known = [name.removeprefix(prefix) for name in names]
                nearest = get_close_matches(variable.removeprefix(prefix), known, n=1)
                instead = f"did you mean {prefix}{nearest[0]}?" if nearest else "remove it"
                raise ShellError(f"{variable} in the environment is no option; {instead}", Exit.USAGE)
    return {name: (variable, environ[variable]) for variable, name in names.items() if variable in environ}


def _value(option: _Option, levels: list[dict[str, tuple[str, Any]]]) -> Any:
    given = next((level[option.name] for level in levels if option.name in level), None)
    if given is None:
        return _DEFAULTS.get(option.name)
    source, value = given
    if value is True:
        return True
    try:
        return option.read(value)
    except ValueError as error:
        raise ShellError(f"{source}: {error}", Exit.USAGE) from None


def _secret(levels: list[dict[str, tuple[str, Any]]]) -> tuple[str | None, Path | None]:
    """Take the key, or the file with it, from the strongest level that gives one."""
    for level in levels:
        match level:
            case {"psk": (one, _), "psk-file": (other, _)}:
                raise ShellError(f"{one} and {other} exclude each other; give one", Exit.USAGE)
            case {"psk": (_, psk)}:
                return str(psk), None
            case {"psk-file": (_, path)}:
                return None, _path(str(path))
    return None, None


def _without_dashes(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if words[:1] == ("--",) else words


class Parser(ArgumentParser):
    """Raises what other parsers print before they exit."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        :raises ShellError: always.
        """
        raise ShellError(f"{message}; see pkid --help", Exit.USAGE)


def _parser() -> ArgumentParser:
    parser = Parser(
        prog="pkid", usage=SYNOPSIS, description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False, add_help=False,
        argument_default=SUPPRESS, formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    for option in _OPTIONS:
        form: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
        parser.add_argument(f"--{option.name}", help=option.help, **form)
    parser.add_argument("--version", action="version", version=f"pkid {__version__}", help="show the version and exit")
    parser.add_argument("-h", "--help", action="help", help="show this and exit")
    parser.add_argument("words", nargs=REMAINDER, help=SUPPRESS)
    return parser


def _boolean(written: str) -> bool:
    if written.lower() not in _TRUTH:
        raise ValueError("must be true or false")
    return _TRUTH[written.lower()]


def _path(written: str) -> Path:
    if not written or "\0" in written:
        raise ValueError("must name a file or directory")
    return Path(written)


def _format(written: str) -> Format:
    formats = {form.name.lower(): form for form in Format}
    if written not in formats:
        raise ValueError(f"must be one of {', '.join(formats)}, not {written!r}")
    return formats[written]


def _fingerprint(written: str) -> str:
    if not _FINGERPRINT.fullmatch(written):
        raise ValueError("must be a SHA-256: 64 hexadecimal digits, with or without colons")
    return bytes.fromhex(written.replace(":", "")).hex(":").upper()


def _seconds(written: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", written) or not 0 < float(written) <= _LONGEST_TIMEOUT:
        raise ValueError(f"must be seconds, up to {_LONGEST_TIMEOUT}, not {written!r}")
    return timedelta(seconds=float(written))


_DEFAULTS = {
    "core": DEFAULT_CORE,
    "download-directory": Path(),
    "force": False,
    "no-color": False,
    "stdin": False,
    "timeout": timedelta(seconds=60),
}

_OPTIONS = (
    _Option("core", "URL", Origin.of, "where the core is [https://localhost:8900]"),
    _Option("psk", "KEY", str, "the pre-shared key; visible to everybody in ps"),
    _Option("psk-file", "FILE", _path, "a file that holds it; better than --psk"),
    _Option("state", "DIR", _path, "the state of a core on this machine, which has its key"),
    _Option("ca-cert", "FILE", _path, "trust the CA certificates in this file, and ask nobody which"),
    _Option("ca-fingerprint", "SHA256", _fingerprint, "trust the core's CA if it has this fingerprint"),
    _Option("stdin", "", _boolean, "read command lines from standard input"),
    _Option("download-directory", "DIR", _path, "where received files go [.]"),
    _Option("force", "", _boolean, "let a received file take another one's place"),
    _Option("format", "FORMAT", _format, "text, json, ndjson or yaml [text]"),
    _Option("timeout", "SECONDS", _seconds, "how long to wait for the core, each time [60]"),
    _Option("no-color", "", _boolean, "no colours (nor with NO_COLOR set)"),
)
