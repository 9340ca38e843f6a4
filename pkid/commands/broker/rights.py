"""The commands that change the rights: each is a change, committed before it is confirmed, and written down."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass

from pkid.audit import Action, allowed
from pkid.auth.credentials import Right
from pkid.broker.changes import (
    AddRule,
    AssignRole,
    Authorize,
    Change,
    PrivateTopic,
    PublicTopic,
    RemoveRule,
    Unauthorize,
    WithdrawRole,
)
from pkid.broker.rules import Access, Rule
from pkid.commands.broker.arguments import COMPONENT, ROLE, TOPIC, VERBS, WHO
from pkid.commands.broker.interfaces import Brokerage
from pkid.commands.command import Argument, Call, Command, Output

__all__ = ["rights_commands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changing:
    """A command that makes a change.

    :ivar make: makes the change of the arguments.
    :ivar done: says what is so then.
    """

    name: str
    info: str
    arguments: tuple[Argument, ...]
    make: Callable[[Namespace], Change]
    done: Callable[[Namespace], str]
    example: str
    details: tuple[str, ...] = ()
    also: str = ""

    def command(self, broker: Brokerage) -> Command:
        """Return the command."""

        async def run(call: Call) -> Output:
            change = self.make(call.arguments)
            await broker.change(change, call.credential)
            allowed(Action.RIGHTS, call.credential, call.peer, change=change)
            return Output((self.done(call.arguments),))

        return Command(
            name=f"broker {self.name}", info=self.info, right=Right.ADMIN, run=run, arguments=self.arguments,
            details=self.details, examples=(f"> {self.example}",), also=self.also,
        )  # fmt: skip


def rights_commands(broker: Brokerage) -> list[Command]:
    """Return the commands."""
    return [each.command(broker) for each in _ALL]


def _ruling(access: Access, info: str, example: str) -> _Changing:
    def rule(given: Namespace) -> Rule:
        return Rule(access, given.verbs, given.topic, given.who)

    return _Changing(
        name=access.value,
        info=info,
        arguments=(VERBS, TOPIC, WHO, Argument(name="--undo", info="take exactly this rule back")),
        make=lambda given: RemoveRule(rule(given)) if given.undo else AddRule(rule(given)),
        done=lambda given: f"no longer: {rule(given)}" if given.undo else str(rule(given)),
        details=("A denial is stronger than every grant. A grant counts only for a name that was proven.",),
        example=example,
    )


_ALL = (
    _Changing(
        name="private_topic",
        also="private_topic",
        info="let only those use a topic who are granted something",
        arguments=(TOPIC,),
        make=lambda given: PrivateTopic(given.topic),
        done=lambda given: f"{given.topic} is private",
        example='private_topic("my_topic")',
    ),
    _Changing(
        name="public_topic",
        also="public_topic",
        info="let everybody use a topic; what was granted on it is forgotten",
        arguments=(TOPIC,),
        make=lambda given: PublicTopic(given.topic),
        done=lambda given: f"{given.topic} is public",
        example='public_topic("my_topic")',
    ),
    _Changing(
        name="authorize",
        also="authorize",
        info="let a component do everything on a topic, which becomes private",
        arguments=(COMPONENT, TOPIC),
        make=lambda given: Authorize(given.topic, given.component),
        done=lambda given: f"{given.component} may do everything on {given.topic}, which is private",
        example='authorize("alice", "my_topic")',
    ),
    _Changing(
        name="unauthorize",
        also="unauthorize",
        info="take back what a component was granted on a topic by name",
        arguments=(COMPONENT, TOPIC),
        make=lambda given: Unauthorize(given.topic, given.component),
        done=lambda given: f"{given.component} is granted nothing on {given.topic} by name",
        example='unauthorize("alice", "my_topic")',
    ),
    _ruling(Access.GRANT, "allow something on a private topic", "broker grant publish,subscribe sensors/** web-*"),
    _ruling(Access.DENY, "forbid something, whatever grants it", "broker deny publish sensors/** role:guest"),
    _Changing(
        name="role assign",
        info="give a component a role; admin lets it change rights on the broker's doors",
        arguments=(COMPONENT, ROLE),
        make=lambda given: AssignRole(given.component, given.role),
        done=lambda given: f"{given.component} has the role {given.role}",
        example="broker role assign superuser admin",
    ),
    _Changing(
        name="role withdraw",
        info="take a role from a component",
        arguments=(COMPONENT, ROLE),
        make=lambda given: WithdrawRole(given.component, given.role),
        done=lambda given: f"{given.component} has not the role {given.role}",
        example="broker role withdraw superuser admin",
    ),
)
