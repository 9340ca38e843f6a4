"""``broker kick``: ends sessions."""

from __future__ import annotations

from pkid.audit import Action, allowed
from pkid.auth.credentials import Right
from pkid.commands.broker.arguments import read_component
from pkid.commands.broker.interfaces import Brokerage
from pkid.commands.command import Argument, Call, Command, Output
from pkid.errors import Malformed, Reason

__all__ = ["kick"]


def kick(broker: Brokerage) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        who = call.arguments.who
        ended = broker.kick(who)
        if not ended:
            raise Malformed(Reason.COMMAND, f"there is no session of {who!r}; broker sessions lists all")
        allowed(Action.BROKER, call.credential, call.peer, kicked=who, sessions=ended)
        return Output((f"{ended} session{'s' * (ended > 1)} ended",))

    return Command(
        name="broker kick",
        info="end the sessions of a component, or one session",
        right=Right.ADMIN,
        run=run,
        arguments=(
            Argument(name="who", info="the component's name, or #NUMBER of a session", read=_who, required=True),
        ),
        details=("It may come back at once: to keep it away, revoke its keys, or deny it something.",),
        examples=("> broker kick alice", "> broker kick #17"),
    )


def _who(word: str) -> str | int:
    number = word.removeprefix("#")
    if number != word and number.isascii() and number.isdigit() and len(number) < 19:
        return int(number)
    return read_component(word)
