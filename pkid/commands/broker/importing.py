"""``broker keys import``: takes what directories of keys hold into the core's own store, so that they can go away."""

from __future__ import annotations

from collections.abc import Callable

from pkid.audit import Action, allowed
from pkid.auth.credentials import Right
from pkid.auth.pins import check_pin
from pkid.commands.broker.interfaces import Brokerage, Holdings, Registrar, StoredKeys, Tenants
from pkid.commands.command import Call, Command, Output
from pkid.errors import Malformed, Reason, Unusable

__all__ = ["import_command"]


def import_command(
    holdings: Callable[[], Holdings], broker: Brokerage, registrar: Registrar, keyring: StoredKeys, tenants: Tenants
) -> Command:
    """Return the command.

    :param holdings: gives what the directories hold now.
    """

    async def run(call: Call) -> Output:
        held = holdings()
        _check(held)
        added = await _add_keys(held, registrar, keyring, call)
        for name, pin in held.tenants.items():
            await tenants.declare(name, pin, call.credential)
            allowed(Action.RIGHTS, call.credential, call.peer, tenant=name, pin="imported")
        for change in held.changes:
            await broker.change(change, call.credential)
            allowed(Action.RIGHTS, call.credential, call.peer, change=change)
        told = f"taken into the store: keys {added}, tenants {len(held.tenants)}, rights {len(held.changes)}"
        return Output((told, "start the core without --auth keydir now, and it needs the directory no longer"))

    return Command(
        name="broker keys import",
        info="take what the directories of --auth keydir hold into the core's store",
        right=Right.ADMIN,
        run=run,
        details=(
            "Keys and secrets, tenants with their PINs, admins, private topics. The directories stay as they are.",
            "It may be repeated: keys that are stored already are left out.",
        ),
        examples=("> broker keys import",),
    )


def _check(held: Holdings) -> None:
    """Check that all of it can be taken, before any of it is.

    :raises Malformed: when there is nothing, a key cannot be used, or a PIN is too short to be stored.
    """
    if not (held.credentials or held.tenants or held.changes):
        raise Malformed(Reason.COMMAND, "there is nothing to import; start the core with --auth keydir:DIR")
    for credential in held.credentials:
        if credential.expires is not None:
            raise Malformed(
                Reason.COMMAND, f"{credential.identifier} cannot be used; mend that file or take it away, then repeat"
            )
    for name, pin in held.tenants.items():
        try:
            check_pin(pin)
        except Unusable as error:
            raise Malformed(Reason.COMMAND, f"the PIN of the tenant {name} {error.problem}; {error.remedy}") from None


async def _add_keys(held: Holdings, registrar: Registrar, keyring: StoredKeys, call: Call) -> int:
    """Store the keys that are not there yet; return how many those were."""
    stored = await keyring.list()
    added = 0
    for credential in held.credentials:
        if any((each.component, each.material) == (credential.component, credential.material) for each in stored):
            continue
        new = await registrar.add(credential.component, credential.material, None, call.credential)
        allowed(Action.REGISTER, call.credential, call.peer, name=new.component, key=new.identifier)
        added += 1
    return added
