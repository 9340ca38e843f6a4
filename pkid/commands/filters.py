"""Filters: commands that stand behind a ``|`` and take the items of the command before."""

from __future__ import annotations

from pkid.auth.credentials import Right
from pkid.commands.command import Argument, Call, Command, Output

__all__ = ["FILTERS"]

_USUAL = 100
_MOST = 1_000_000


async def _count(call: Call) -> Output:
    return Output((f"total matched: {len(call.items)}", "total unmatched: 0"))


async def _head(call: Call) -> Output:
    return Output(call.items[: call.arguments.lines])


async def _tail(call: Call) -> Output:
    return Output(call.items[max(len(call.items) - call.arguments.lines, 0) :])


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 9 or not 1 <= int(word) <= _MOST:
        raise ValueError(f"expected a number from 1 to {_MOST}: {word!r}")
    return int(word)


_LINES = Argument(name="lines", info=f"how many; {_USUAL} if it is left out", read=_number, default=_USUAL)

FILTERS = (
    Command(name="count", info="count what comes", right=Right.READ, run=_count, takes_items=True),
    Command(
        name="head",
        info="keep the first ones",
        right=Right.READ,
        run=_head,
        arguments=(_LINES,),
        examples=("> help | head 5",),
        takes_items=True,
    ),
    Command(name="tail", info="keep the last ones", right=Right.READ, run=_tail, arguments=(_LINES,), takes_items=True),
)
"""All of them."""
