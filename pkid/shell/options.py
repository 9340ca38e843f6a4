"""The options of `pkid`: what its settings are resolved to, and the parser of its command line.

A key or a passphrase may stand in a file, which is read when it is needed.
"""

from __future__ import annotations

from argparse import REMAINDER, SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from pkid import __version__
from pkid.files import read_small
from pkid.origin import Origin
from pkid.settings import Setting, SettingsError
from pkid.settings.certificates import PairFiles, host_files
from pkid.settings.component_core import CORE, core_url, given_authority
from pkid.settings.precedence import Sources
from pkid.settings.sources import ReadFile
from pkid.shell import table
from pkid.shell.exits import Exit, ShellError
from pkid.shell.kinds import Format
from pkid.shell.manual import DESCRIPTION, EPILOG, SYNOPSIS

__all__ = ["DEFAULT_CORE", "Options", "Parser", "default_state", "misplaced", "resolve"]

DEFAULT_CORE = Origin.of(CORE.default or "")
"""Where a core is unless something else is said."""

_HERE = Path()  # which may be gone


@dataclass(frozen=True, slots=True)
class Options:
    """What the program was told, checked."""

    core: Origin
    """Where the core is."""
    core_given: bool
    """Whether that was said, and is not the default."""
    psk: str | None = field(repr=False)
    """The pre-shared key; empty for none at all, ``None`` when it is to be looked for."""
    psk_file: Path | None
    """The file that holds it."""
    ca_cert: Path | None
    """The file with the CA certificate to trust."""
    ca_fingerprint: str | None
    """Its SHA-256, as :func:`pkid.ca.trust.fingerprint` writes it."""
    own: PairFiles
    """The certificate to show in the TLS handshake, if there is one."""
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


def resolve(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    read_file: ReadFile = read_small,
    directory: Path = _HERE,
) -> Options:
    """Find the value of each setting, by the rule of all components.

    :param read_file: returns the content of a file.
    :param directory: what relative paths start from.
    :raises ShellError: when something cannot be used.
    :raises SystemExit: when help is asked for, or the arguments are no options.
    """
    flags = vars(_parser().parse_args(arguments))
    words = tuple(flags.pop("words"))
    try:
        given = {name.replace("_", "-"): value for name, value in flags.items()}
        sources = Sources.of(table.SHELL, given, environ, read_file, directory)
        return _options(sources, words[1:] if words[:1] == ("--",) else words)
    except SettingsError as error:
        raise ShellError(str(error), Exit.USAGE) from None


def default_state(environ: Mapping[str, str]) -> Path | None:
    """Return the directory in which a core, and this program, keep things for one user, if there can be one."""
    base, home = Path(environ.get("XDG_STATE_HOME", "")), Path(environ.get("HOME", ""))
    if base.is_absolute():  # XDG Base Directory Specification: a relative one is ignored
        return base / "pkid"
    return home / ".local" / "state" / "pkid" if home.is_absolute() else None


def _options(sources: Sources, words: tuple[str, ...]) -> Options:
    core, psk = Origin.of(core_url(sources)), sources.locate_psk()
    ca_cert, ca_fingerprint = given_authority(sources)
    own = host_files(sources)
    if own.certificate and core.scheme == "http":
        raise SettingsError("--cert needs TLS, which --no-tls takes away; give one of the two")
    return Options(
        core=core,
        core_given=sources.find(CORE) is not None,
        psk=psk.value if psk else None,
        psk_file=psk.file if psk else None,
        ca_cert=ca_cert,
        ca_fingerprint=ca_fingerprint,
        own=own,
        state=sources.path(table.STATE),
        download_directory=sources.value(table.DOWNLOAD_DIRECTORY),
        force=sources.value(table.FORCE),
        format=sources.optional(table.FORMAT),
        color=not (sources.value(table.NO_COLOR) or sources.environ.get("NO_COLOR")),
        timeout=sources.value(table.TIMEOUT),
        stdin=sources.value(table.STDIN),
        words=words,
    )


def misplaced(words: Sequence[str]) -> str:
    """Say which of the words of a command that failed is an option of the program's own, if one is."""
    own = {setting.flag for setting in table.SHELL.settings}
    flag = next((word for word in words if word.partition("=")[0] in own), "")
    return f"{flag.partition('=')[0]} is an option of pkid itself, and stands before the command" if flag else ""


class Parser(ArgumentParser):
    """Raises what other parsers print before they exit."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        :raises ShellError: always.
        """
        hint = misplaced(message.split())
        raise ShellError("; ".join(filter(None, [message, hint, f"see {self.prog} --help"])), Exit.USAGE)


def _parser() -> ArgumentParser:
    parser = Parser(
        prog="pkid", usage=SYNOPSIS, description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False, add_help=False,
        argument_default=SUPPRESS, formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    for title, settings in table.SHELL.groups.items():
        group = parser.add_argument_group(title)
        for setting in settings:
            form: dict[str, Any] = {"metavar": setting.metavar} if setting.metavar else {"action": "store_true"}
            group.add_argument(setting.flag, help=_explain(setting), **form)
    information = parser.add_argument_group("Information")
    information.add_argument("--version", action="version", version=f"pkid {__version__}", help="show the version")
    information.add_argument("-h", "--help", action="help", help="show this and exit")
    parser.add_argument("words", nargs=REMAINDER, help=SUPPRESS)
    return parser


def _explain(setting: Setting[Any]) -> str:
    return f"{setting.help} [{setting.default}]" if setting.metavar and setting.default else setting.help
