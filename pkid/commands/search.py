"""``search``: finds what the core knows."""

from __future__ import annotations

from pkid.auth.credentials import Right
from pkid.commands.command import Argument, Call, Command, Output
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import field_names

__all__ = ["search"]


def search(inventory: Inventory) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        return Output(results=inventory.find(call.arguments.search))

    argument = Argument(
        name="search",
        info="what is wanted, as is(KIND), FIELD = VALUE, and, or, not, ( ), sort FIELD, limit NUMBER",
        read=inventory.read,
        required=True,
        whole=True,
        suggestions=(
            *(f"is({name})" for name in ("resource", *(kind.name for kind in inventory.kinds))),
            *("and", "or", "not", "sort", "limit"),
            *field_names(inventory.kinds),
        ),
    )
    return Command(
        name="search",
        info="find what the core knows",
        right=Right.READ,
        run=run,
        arguments=(argument,),
        details=tuple(_details(inventory)),
        examples=(
            "> search is(resource) | count",
            "> search is(certificate) and not_after < 30d and not expired = true | sort not_after | list",
            "> search name like web-* and age > 7d | list name, serial, issued_at as since",
            "> search is(certificate) | count profile",
        ),
    )


def _details(inventory: Inventory) -> list[str]:
    lines = [
        "Compare with = != < <= > >=, like (with * for any characters), in [A, B], not in [A, B], and = null.",
        "A time is written as 2031-05-06, as 2031-05-06T12:00:00Z, or from now on as 30d or -12h. The kinds are:",
    ]
    for kind in inventory.kinds:
        lines.append(f"  {kind.name}: {kind.info}; it has {', '.join(field.name for field in kind.fields)}")
    return lines
