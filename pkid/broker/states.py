"""The states of a session, and what leads from one to the next: all of it, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pkid.broker.commands import Command, Identify, Prove, Register, Unregister
from pkid.broker.inputs import Admitted, Challenged, Committed, Denied, Failure, Input, Known

__all__ = ["TABLE", "State", "Transition"]


class State(Enum):
    """How far a session has come."""

    GREETED = "greeted"
    IDENTIFYING = "identifying"
    """A name was said; the core looks up which proofs it may use."""
    PROVING = "proving"
    """A proof is awaited."""
    VERIFYING = "verifying"
    """A proof is being checked."""
    OPEN = "open"
    CLOSED = "closed"

    __hash__ = object.__hash__  # there is one of each; an Enum's own is a call of Python for each look into the table


@dataclass(frozen=True, slots=True)
class Transition:
    """What happens upon an input, and where that may lead; to ``closed`` it always may."""

    action: str
    leads_to: tuple[State, ...]


TABLE: dict[tuple[State, type[Command | Input]], Transition] = {
    (State.GREETED, Identify): Transition("look_up", (State.IDENTIFYING,)),
    (State.GREETED, Prove): Transition("verify", (State.VERIFYING,)),
    (State.GREETED, Register): Transition("enroll", (State.GREETED,)),
    (State.GREETED, Command): Transition("open_anonymously", (State.OPEN,)),
    (State.GREETED, Committed): Transition("report", (State.GREETED,)),
    (State.GREETED, Failure): Transition("report", (State.GREETED,)),
    (State.IDENTIFYING, Known): Transition("challenge_or_open", (State.PROVING, State.OPEN)),
    (State.PROVING, Prove): Transition("verify", (State.VERIFYING,)),
    (State.VERIFYING, Identify): Transition("await_verdict", (State.VERIFYING,)),
    (State.VERIFYING, Prove): Transition("await_verdict", (State.VERIFYING,)),
    (State.VERIFYING, Challenged): Transition("challenge_again", (State.PROVING,)),
    (State.VERIFYING, Admitted): Transition("open_proven", (State.OPEN,)),
    (State.VERIFYING, Denied): Transition("deny", ()),
    (State.OPEN, Identify): Transition("welcome_again", (State.OPEN,)),
    (State.OPEN, Prove): Transition("welcome_again", (State.OPEN,)),
    (State.OPEN, Register): Transition("enroll", (State.OPEN,)),
    (State.OPEN, Unregister): Transition("revoke", (State.OPEN,)),
    (State.OPEN, Command): Transition("pass_on", (State.OPEN,)),
    (State.OPEN, Committed): Transition("report", (State.OPEN,)),
    (State.OPEN, Failure): Transition("report", (State.OPEN,)),
}
"""What each state takes. `Command` stands for all commands that have no line of their own."""
