"""Commands that run here and not in the core: they look at a core, or agents, on this machine, or copy it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pkid.shell.options import Options

__all__ = ["local_program"]


def local_program(words: Sequence[str], options: Options) -> Callable[[], int] | None:
    """Return what these words call, if it is a program of this machine; it returns an exit code."""
    match words:
        case ["doctor", *arguments]:
            return lambda: _status(lambda: _doctor(arguments, options))
        case ["backup", *arguments]:
            return lambda: _status(lambda: _backup(arguments, options))
        case ["agent", *arguments]:
            return lambda: _status(lambda: _agent(arguments))
        case ["ca", "passphrase", *arguments]:
            return lambda: _status(lambda: _passphrase(arguments, options))
        case ["broker", "prove", *arguments]:
            return lambda: _status(lambda: _prove(arguments))
    return None


def _status(program: Callable[[], int]) -> int:
    """Run a program; one that was asked for its help ends by itself."""
    try:
        return program()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        return end.code


def _doctor(arguments: Sequence[str], options: Options) -> int:
    from pkid.shell.doctor.main import main

    return main(arguments, options)


def _backup(arguments: Sequence[str], options: Options) -> int:
    from pkid.shell.backup import main

    return main(arguments, options)


def _agent(arguments: Sequence[str]) -> int:
    from pkid.shell.agent import main

    return main(arguments)


def _passphrase(arguments: Sequence[str], options: Options) -> int:
    from pkid.shell.passphrase import main

    state = {} if options.state is None else {"PKID_STATE": str(options.state)}
    return main(arguments, os.environ | state)


def _prove(arguments: Sequence[str]) -> int:
    from pkid.shell.prove import main

    return main(arguments)
