"""Filters: commands that stand behind a ``|`` and take what the command before gives.

They ask the results themselves to be counted, cut and sorted, so that the ledger does it where it can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pkid.auth.credentials import Right
from pkid.commands.broker.kinds import BROKER_KINDS
from pkid.commands.command import Argument, Call, Command, Output
from pkid.commands.writing import listing, template, text_of, written
from pkid.inventory.grammar import read_order
from pkid.inventory.kinds import KINDS, field_names
from pkid.inventory.results import Mapped

__all__ = ["FILTERS"]

_USUAL = 100
_MOST = 1_000_000


async def _count(call: Call) -> Output:
    field = call.arguments.field
    if field is None:
        return Output((f"total matched: {await call.given.count()}", "total unmatched: 0"))
    found, unmatched = await call.given.tally(field)
    rising = sorted((number, written(value)) for value, number in found.items())
    lines = [f"{value}: {number}" for number, value in rising]
    return Output((*lines, f"total matched: {sum(found.values())}", f"total unmatched: {unmatched}"))


async def _head(call: Call) -> Output:
    return Output(results=call.given.head(call.arguments.lines))


async def _tail(call: Call) -> Output:
    return Output(results=await call.given.tail(call.arguments.lines))


async def _sort(call: Call) -> Output:
    return Output(results=await call.given.sort(call.arguments.fields))


async def _list(call: Call) -> Output:
    return Output(results=Mapped(call.given, call.arguments.fields or text_of))


async def _format(call: Call) -> Output:
    return Output(results=Mapped(call.given, call.arguments.template))


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit() or len(word) > 9 or not 1 <= int(word) <= _MOST:
        raise ValueError(f"expected a number from 1 to {_MOST}: {word!r}")
    return int(word)


def _filter(
    name: str, info: str, run: Callable[[Call], Awaitable[Output]], argument: Argument, *examples: str
) -> Command:
    return Command(
        name=name,
        info=info,
        right=Right.READ,
        run=run,
        arguments=(argument,),
        examples=examples,
        takes_items=True,
    )


_FIELDS = field_names((*KINDS, *BROKER_KINDS))
_FIELD = Argument(name="field", info="count each of its values, and what has none", suggestions=_FIELDS)
_LINES = Argument(name="lines", info=f"how many; {_USUAL} if it is left out", read=_number, default=_USUAL)
_ORDER = Argument(
    name="fields",
    info="fields, each perhaps with desc, commas between",
    read=read_order,
    required=True,
    whole=True,
    suggestions=_FIELDS,
)
_COLUMNS = Argument(
    name="fields",
    info="fields, commas between; those that tell most if it is left out",
    read=listing,
    whole=True,
    suggestions=_FIELDS,
)
_TEMPLATE = Argument(
    name="template", info="a text, in which {FIELD} stands for its value", read=template, required=True, whole=True
)

FILTERS = (
    _filter("count", "count what comes", _count, _FIELD, "> search is(certificate) | count profile"),
    _filter("format", "write each in a form of your own", _format, _TEMPLATE, "> search all | format {kind} {name}"),
    _filter("head", "keep the first ones", _head, _LINES, "> help | head 5"),
    _filter("list", "write each in one line", _list, _COLUMNS, "> search all | list name, not_after as until"),
    _filter("sort", "put it in order", _sort, _ORDER, "> search is(certificate) | sort not_after desc, name"),
    _filter("tail", "keep the last ones", _tail, _LINES),
)
"""All of them."""
