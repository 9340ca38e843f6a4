"""The tenants that an admin declares: whose names end in theirs are kept apart from all others."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

from pkid.audit import Action, allowed
from pkid.auth.credentials import Right
from pkid.commands.broker.arguments import read_component
from pkid.commands.broker.interfaces import Tenants
from pkid.commands.command import Argument, Call, Command, Output
from pkid.errors import Malformed, Reason

__all__ = ["tenant_commands"]

_NAME = Argument(name="tenant", info="its name: what stands behind the first dot", read=read_component, required=True)
_PIN_SIZE = 10  # bytes


def tenant_commands(
    tenants: Tenants, names: Callable[[], Iterable[str]], random: Callable[[int], bytes]
) -> list[Command]:
    """Return the commands.

    :param names: gives the names of all tenants, wherever they are declared.
    :param random: gives so many random bytes (``os.urandom``).
    """
    return [_add(tenants, random), _list(names), _remove(tenants)]


def _add(tenants: Tenants, random: Callable[[int], bytes]) -> Command:
    async def run(call: Call) -> Output:
        name, pin = call.arguments.tenant, None
        if call.arguments.pin:
            pin = base64.b32encode(random(_PIN_SIZE)).decode("ascii")
        await tenants.declare(name, pin, call.credential)
        allowed(Action.RIGHTS, call.credential, call.peer, tenant=name, pin="none" if pin is None else "made")
        return Output((f"{name} is a tenant", *([] if pin is None else [f"pin: {pin}"])))

    return Command(
        name="broker tenant add",
        info="declare a tenant, or give it another PIN",
        right=Right.ADMIN,
        run=run,
        arguments=(_NAME, Argument(name="--pin", info="make a PIN, shown once, by which its components register keys")),
        details=("Sessions of names that belong elsewhere then end. Without --pin, a PIN of before counts no more.",),
        examples=("> broker tenant add acme --pin",),
    )


def _list(names: Callable[[], Iterable[str]]) -> Command:
    async def run(call: Call) -> Output:
        return Output(tuple({"tenant": name} for name in sorted(names())))

    return Command(
        name="broker tenant list", info="list the tenants, those of directories of keys too", right=Right.READ, run=run,
        examples=("> broker tenant list",),
    )  # fmt: skip


def _remove(tenants: Tenants) -> Command:
    async def run(call: Call) -> Output:
        name = call.arguments.tenant
        if not await tenants.withdraw(name, call.credential):
            raise Malformed(Reason.COMMAND, f"{name} was not declared here; broker tenant list tells all")
        allowed(Action.RIGHTS, call.credential, call.peer, withdrawn=name)
        return Output((f"{name} is no tenant",))

    return Command(
        name="broker tenant remove",
        info="have a tenant no longer; its names are ordinary ones then",
        right=Right.ADMIN,
        run=run,
        arguments=(_NAME,),
        examples=("> broker tenant remove acme",),
    )
