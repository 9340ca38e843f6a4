"""Coverage-guided fuzzing of the line protocol's codec by atheris, for ``tests.faults.test_fuzzing``, or for hours:

    python -m tests.line.fuzzer -max_total_time=3600

The first byte of an input says into which pieces the rest is cut. Ends with an error when anything but a fault of the
codec's own is raised, when more is kept than the limits allow, or when what was read is written as something else.
"""

from __future__ import annotations

import sys
from typing import Any

import atheris

with atheris.instrument_imports():
    from pkid.broker.commands import Prove
    from pkid.errors import Malformed
    from pkid.line.codec import CommandReader, EventReader, Limits, LineFault, write_command

LIMITS = Limits(line=256, payload=256)


def check(data: bytes) -> None:
    """Read an input at both ends."""
    if not data:
        return
    size = data[0] or len(data)
    pieces = [data[start : start + size] for start in range(1, len(data), size)]
    for reader in (CommandReader(LIMITS), EventReader(LIMITS)):
        for piece in pieces:
            reader.feed(piece)
            if not drain(reader):
                break


def drain(reader: CommandReader | EventReader) -> bool:
    """Read what there is; tell whether more may come."""
    while True:
        try:
            said = reader.read()
        except LineFault as fault:
            if fault.fatal:
                return False
            continue
        if said is None:
            return True
        if isinstance(reader, CommandReader) and not isinstance(said, Prove):
            repeat(said)


def repeat(said: Any) -> None:
    """Write a command as a client would, and read it again."""
    try:
        written = write_command(said)
    except Malformed:
        return  # what can be read and not be printed, such as an empty topic
    again = CommandReader()
    again.feed(written)
    found = again.read()
    assert found == said, (said, written, found)
    assert again.read() is None


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
