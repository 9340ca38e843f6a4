"""``pkid agent status``: what the agents of this machine say of their certificates."""

from __future__ import annotations

import json
import os
import socket
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import Parser
from pkid.shell.screen import printable

__all__ = ["main"]

_SOCKET = "status.sock"
_RUNTIME = Path("/run/pkid-agent")
_PATIENCE = 10.0  # seconds
_MOST = 1 << 20  # bytes of one agent

_DESCRIPTION = """\
Show what the agents of this machine (twistd pkid-agent) say of the
certificates that they keep: until when each is valid, when it is renewed
next, what failed last, and how it is with the command of --on-renew.
"""

_EPILOG = """\
Without --socket, all agents are asked whose sockets can be found: that of
$PKID_AGENT_SOCKET, else those of systemd's services (/run/pkid-agent/*) and
that of this user ($XDG_STATE_HOME or ~/.local/state, in pkid-agent).

Exit codes: 0 when every certificate is valid and nothing failed, 1 when there
is something to look after, 4 when no agent answers.
"""


def main(arguments: Sequence[str], environ: Mapping[str, str] | None = None, runtime: Path = _RUNTIME) -> int:
    """Do what the arguments after ``pkid agent`` say, and return the exit code.

    :raises ShellError: when no agent answers, or the arguments are wrong.
    """
    parser = Parser(
        prog="pkid agent", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("word", metavar="status", choices=["status"], help="what to show")
    parser.add_argument("--socket", metavar="FILE", type=Path, help="ask only the agent that listens there")
    parser.add_argument("--json", action="store_true", help="write a JSON object for each certificate, one a line")
    given = parser.parse_args(arguments)
    found = [given.socket] if given.socket else list(_find(os.environ if environ is None else environ, runtime))
    if not found:
        raise ShellError("no agent runs here, or only root can ask it; name its socket with --socket", Exit.UNREACHABLE)
    certificates = [certificate for path in found for certificate in _ask(path)]
    for certificate in certificates:
        sys.stdout.write(f"{json.dumps(certificate) if given.json else _describe(certificate)}\n")
    return Exit.DONE if certificates and all(each.get("ok") is True for each in certificates) else Exit.FAILED


def _find(environ: Mapping[str, str], runtime: Path) -> Iterator[Path]:
    """Find the sockets of agents where they usually are."""
    named = environ.get("PKID_AGENT_SOCKET")
    if named:
        yield Path(named)
        return
    yield from sorted(path for path in runtime.glob(f"*/{_SOCKET}") if path.is_socket())
    states = Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/"), ".local", "state"))
    own = states / "pkid-agent" / _SOCKET
    if own.is_socket():
        yield own


def _ask(path: Path) -> list[dict[str, Any]]:
    """Return what one agent says."""
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(_PATIENCE)
            agent.connect(str(path))
            with agent.makefile("rb") as answer:
                said = [json.loads(line) for line in answer.read(_MOST).splitlines()]
    except OSError as error:
        reason = error.strerror or error
        raise ShellError(f"{path}: no agent answers ({reason}); see that it runs", Exit.UNREACHABLE) from None
    except ValueError:
        said = [None]
    if not all(isinstance(each, dict) for each in said):
        raise ShellError(f"{path}: what answers there is no agent", Exit.UNREACHABLE)
    return said


def _describe(certificate: Mapping[str, Any]) -> str:
    """Write a few lines about one certificate."""
    facts = {
        "names": " ".join(map(str, certificate.get("names") or [])),
        "files": certificate.get("directory"),
        "serial": certificate.get("serial"),
        "valid until": certificate.get("not_after"),
        "renewed from": certificate.get("next_renewal"),
        "failed": certificate.get("error"),
        "command": None if certificate.get("hook") == "none" else certificate.get("hook"),
        "it failed": certificate.get("hook_error"),
    }
    word = "ok" if certificate.get("ok") is True else "PROBLEM"
    lines = [f"{certificate.get('name')}: {certificate.get('state')}, {word}"]
    lines += [f"  {name:13} {value}" for name, value in facts.items() if value]
    return "\n".join(printable(line).replace("\n", " ") for line in lines)
