"""The commands that look at the broker: sessions, topics, rights, and why somebody may do something or not."""

from __future__ import annotations

from collections.abc import Iterator

from pkid.auth.credentials import Right
from pkid.broker.identity import Identity
from pkid.broker.rights import Rights
from pkid.broker.rules import Verb
from pkid.commands.broker import kinds
from pkid.commands.broker.arguments import COMPONENT, TOPIC, VERB
from pkid.commands.broker.interfaces import Brokerage
from pkid.commands.command import Argument, Call, Command, Item, Output
from pkid.inventory.grammar import Search
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import Kind
from pkid.inventory.order import SortKey
from pkid.inventory.predicate import IsKind

__all__ = ["listing", "view_commands"]


def view_commands(broker: Brokerage, inventory: Inventory) -> list[Command]:
    """Return the commands.

    :param inventory: has the broker's sources.
    """
    return [
        listing(
            inventory,
            kinds.SESSION,
            "broker sessions",
            "list the sessions of the broker, and how they keep up",
            by="session",
        ),
        listing(inventory, kinds.TOPIC, "broker topics", "list the topics that are used, or have been made private"),
        _rights(broker.rights),
        _who_can(broker.rights),
        _explain(broker.rights),
    ]


def listing(inventory: Inventory, kind: Kind, name: str, info: str, by: str = "name") -> Command:
    """Return a command that finds all of a kind.

    :param by: the field by which they are in order.
    """

    async def run(call: Call) -> Output:
        return Output(results=inventory.find(Search(IsKind((kind.name,)), (SortKey(by),))))

    examples = (f"> {name} | sort {kind.shown[-1]} desc | head 10",)
    details = (f"It is the same as: search is({kind.name}) sort {by}",)
    return Command(name=name, info=info, right=Right.READ, run=run, details=details, examples=examples)


def _rights(rights: Rights) -> Command:
    async def run(call: Call) -> Output:
        return Output(tuple(_all_rights(rights)))

    return Command(
        name="broker rights", info="list which topics are private, all rules, and who has which role",
        right=Right.READ, run=run, examples=("> broker rights | head 20",),
    )  # fmt: skip


def _all_rights(rights: Rights) -> Iterator[Item]:
    for topic, private in rights.visibility():
        yield {"topic": topic.text, "is": _visibility(private)}
    for rule in rights.rules():
        verbs = ",".join(verb.value for verb in Verb if verb in rule.verbs)
        yield {"topic": rule.topic.text, "access": rule.access.value, "verbs": verbs, "who": rule.subject.text}
    yield from ({"role": role, "who": component} for component, role in sorted(rights.members()))


def _who_can(rights: Rights) -> Command:
    async def run(call: Call) -> Output:
        topic, verb = call.arguments.topic, call.arguments.verb
        found = rights.on(topic.segments)
        lines: list[Item] = [{"topic": topic.text, "is": _visibility(found.is_private)}]
        for rule in found.rules:
            if verb is None or verb in rule.verbs:
                verbs = ",".join(each.value for each in Verb if each in rule.verbs)
                lines.append({"access": rule.access.value, "verbs": verbs, "who": rule.subject.text, "by": str(rule)})
        return Output(tuple(lines))

    return Command(
        name="broker who-can",
        info="tell who may do what on a topic, and which rules say so",
        right=Right.READ,
        run=run,
        arguments=(TOPIC, Argument(name="--verb", shown="VERB", info=VERB.info, read=Verb)),
        details=("A denial is stronger than every grant; on a public topic everything else is allowed.",),
        examples=("> broker who-can my_topic --verb publish",),
    )


def _explain(rights: Rights) -> Command:
    async def run(call: Call) -> Output:
        asked = call.arguments
        identity = Identity(asked.component, not asked.unproven)
        decision = rights.explain(identity, asked.verb, asked.topic.segments)
        rule = None if decision.rule is None else str(decision.rule)
        return Output(({"allowed": decision.allowed, "because": decision.basis.value, "rule": rule},))

    return Command(
        name="broker explain",
        info="tell whether a component may do something, and why",
        right=Right.READ,
        run=run,
        arguments=(COMPONENT, VERB, TOPIC, Argument(name="--unproven", info="as long as it did not prove its name")),
        examples=("> broker explain alice publish my_topic",),
    )


def _visibility(private: bool) -> str:
    return "private" if private else "public"
