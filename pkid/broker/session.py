"""One session: who is at the other end, and what may be said next.

The identity is fixed once, before anything is done in its name. A command that the table of states does not list ends
the session. How a proof is checked is not known here: the session asks, and the answer comes back as one more input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pkid.broker.commands import Command, Identify, Prove, Register, RequestId, Unregister
from pkid.broker.effects import (
    Audit,
    Authenticate,
    Close,
    CloseReason,
    Effect,
    Enroll,
    Event,
    LookUp,
    Revoke,
    Send,
)
from pkid.broker.identity import ANONYMOUS, DEFAULT_TENANT, Identity
from pkid.broker.inputs import Admitted, Challenged, Committed, Denied, Failure, Input, Known
from pkid.broker.message import Moment
from pkid.broker.policy import Policy
from pkid.broker.replies import Challenge, Done, Failed, Welcome
from pkid.broker.states import TABLE, State
from pkid.ca.names import is_component
from pkid.errors import Reason, Refused

__all__ = ["Seats", "Session"]


class Seats(Protocol):
    """The broker, as a session sees it."""

    def take(self, session: Session, moment: Moment) -> list[Effect]:
        """Let a session take part under its identity.

        :raises Refused: ``name-in-use`` when another one is there under the same name, and stays.
        """

    def is_worth_stealing(self, component: str) -> bool:
        """Tell whether the name has rights."""

    def identify(self, component: str, authenticated: bool) -> Identity:
        """Return the identity of a component."""


class Session:
    """One connection's session.

    :param challenge: random bytes, fresh for this session.
    :param offered: whether the door sends the challenge with its greeting, so that a proof may come unasked.
    :param active: whether it takes messages from the start.
    """

    __slots__ = (
        "_awaiting", "_challenge", "_name", "_offered", "_policy", "_registrations", "_seats",
        "active", "deadline", "identity", "number", "state",
    )  # fmt: skip

    def __init__(
        self, number: int, challenge: bytes, policy: Policy, seats: Seats, offered: bool, active: bool
    ) -> None:
        self.number = number
        self.state = State.GREETED
        self.identity = ANONYMOUS
        self.active = active
        self.deadline: float | None = None
        self._challenge = challenge
        self._offered = offered
        self._policy = policy
        self._seats = seats
        self._name = ""
        self._awaiting: list[RequestId | None] = []
        self._registrations = 0

    @property
    def wanted_name(self) -> str | None:
        """The name that a login under way is about."""
        logging_in = self.state in {State.IDENTIFYING, State.PROVING, State.VERIFYING}
        return self._name if logging_in else None

    def receive(self, given: Command | Input, moment: Moment) -> list[Effect]:
        """Take an input; an answer that comes too late is passed over, a command out of order ends the session."""
        transition = TABLE.get((self.state, type(given)))
        if transition is None and isinstance(given, Command):
            transition = TABLE.get((self.state, Command))
            if transition is None:
                return self._violation(given)
        if transition is None:
            return []
        effects: list[Effect] = getattr(self, transition.action)(given, moment)
        return effects

    def close(self, reason: CloseReason) -> list[Effect]:
        """End the session."""
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        return [] if reason is CloseReason.LOST else [Close(self.number, reason)]

    # The actions of the table

    def look_up(self, command: Identify, moment: Moment) -> list[Effect]:
        """Note the name, and ask which proofs it may use."""
        if not is_component(command.name):
            return self._fail(command.request, Reason.BAD_NAME, ascii(command.name[:140]))
        self.state = State.IDENTIFYING
        self._name = command.name
        self._awaiting = [command.request]
        self._limit_login(moment)
        return [LookUp(self.number, command.name)]

    def challenge_or_open(self, known: Known, moment: Moment) -> list[Effect]:
        """Ask for a proof if the name has a credential, or if everybody must have one."""
        (request,) = self._awaiting
        if not known.offers and not self._policy.authenticated:
            return self._open_unproven(request, moment)
        self.state = State.PROVING
        return [Send(self.number, Challenge(request, known.offers, self._challenge))]

    def verify(self, command: Prove, moment: Moment) -> list[Effect]:
        """Have the proof checked: once for a challenge, and for no name but the one that was said."""
        if self.state is State.GREETED:
            if not self._offered or not is_component(command.name):
                return self._violation(command)
            self._name = command.name
            self._limit_login(moment)
        if command.name != self._name:
            return self._violation(command)
        self.state = State.VERIFYING
        self._awaiting = [command.request]
        return [Authenticate(self.number, command.name, command.proof, self._challenge)]

    def await_verdict(self, command: Identify | Prove, moment: Moment) -> list[Effect]:
        """Answer this request together with the one before; its proof is not looked at."""
        if command.name != self._name:
            return self._violation(command)
        self._awaiting.append(command.request)
        return []

    def challenge_again(self, answer: Challenged, moment: Moment) -> list[Effect]:
        """Go on with a proof of several steps."""
        self.state = State.PROVING
        return [Send(self.number, Challenge(self._awaiting[0], (), answer.challenge))]

    def open_proven(self, answer: Admitted, moment: Moment) -> list[Effect]:
        """Open the session under a proven name."""
        if answer.name != self._name:
            return self.deny(Denied(), moment)
        return self._open(self._seats.identify(self._name, True), self._awaiting, moment, evidence=answer.evidence)

    def deny(self, answer: Denied, moment: Moment) -> list[Effect]:
        """End the session: there is one attempt for each challenge, and one challenge for each session."""
        failed: Sequence[Effect] = [Send(self.number, Failed(r, Reason.PROOF_FAILED)) for r in self._awaiting]
        claimed = self._seats.identify(self._name, False)
        return [
            *failed,
            Audit(Event.OPENED, False, self.number, claimed, Reason.PROOF_FAILED.code),
            *self.close(CloseReason.LOGIN_FAILED),
        ]

    def open_anonymously(self, command: Command, moment: Moment) -> list[Effect]:
        """Open the session without a name, to whatever is public."""
        if self._policy.authenticated:
            return self._fail(command.request, Reason.PROOF_NEEDED, closing=CloseReason.PROOF_NEEDED)
        return self._open(ANONYMOUS, (), moment)

    def welcome_again(self, command: Identify | Prove, moment: Moment) -> list[Effect]:
        """Repeat the welcome for a client that sent the same twice; anything else would be a second identity."""
        proven = self.identity.authenticated or isinstance(command, Identify)
        if command.name != self.identity.component or not proven:
            return self._violation(command)
        return [Send(self.number, Welcome(command.request, self.identity))]

    def enroll(self, command: Register, moment: Moment) -> list[Effect]:
        """Have a key registered: by those who proved a name, or who have none yet and then may fail a few times."""
        proven = self.identity.authenticated
        if self.identity.component is not None and not proven:
            return self._violation(command)
        self._registrations += not proven
        if self._registrations > self._policy.registrations:
            return self._fail(command.request, Reason.LIMIT, f"{self._policy.registrations} registrations that failed")
        if not is_component(command.name):
            return [Send(self.number, Failed(command.request, Reason.BAD_NAME, ascii(command.name[:140])))]
        return [Enroll(self.number, command.request, command.name, command.credential, self.identity)]

    def revoke(self, command: Unregister, moment: Moment) -> list[Effect]:
        """Have the key of the session's own, proven name forgotten."""
        if self.identity.component is None or not self.identity.authenticated:
            return [Send(self.number, Failed(command.request, Reason.PROOF_NEEDED))]
        return [Revoke(self.number, command.request, self.identity.component)]

    def report(self, answer: Committed | Failure, moment: Moment) -> list[Effect]:
        """Tell the client what came of its request; all that a session can have committed without proof are keys."""
        if isinstance(answer, Committed) and not self.identity.authenticated:
            self._registrations -= 1
        if answer.request is None:
            return []
        if isinstance(answer, Committed):
            return [Send(self.number, Done(answer.request))]
        return [Send(self.number, Failed(answer.request, answer.error.reason, answer.error.subject))]

    def pass_on(self, command: Command, moment: Moment) -> list[Effect]:
        """Do nothing: the broker does what an open session asks for."""
        return []

    def _open_unproven(self, request: RequestId | None, moment: Moment) -> list[Effect]:
        identity = self._seats.identify(self._name, False)
        if identity.tenant != DEFAULT_TENANT and not self._policy.claimed_tenants:
            return self._fail(request, Reason.PROOF_NEEDED, closing=CloseReason.PROOF_NEEDED)
        warning = (
            f"{self._name} has rights, but no key to prove the name with: this session has none of them"
            if self._seats.is_worth_stealing(self._name)
            else ""
        )
        return self._open(identity, [request], moment, warning)

    def _open(
        self,
        identity: Identity,
        requests: Sequence[RequestId | None],
        moment: Moment,
        warning: str = "",
        evidence: object = None,
    ) -> list[Effect]:
        self.identity = identity
        try:
            seated = self._seats.take(self, moment)
        except Refused as refused:
            failed: list[Effect] = [Send(self.number, Failed(r, refused.reason, refused.subject)) for r in requests]
            return failed + self.close(CloseReason.LOGIN_FAILED)
        self.state = State.OPEN
        self.deadline = None
        welcomes = [Send(self.number, Welcome(r, identity, warning, evidence)) for r in requests]
        return [Audit(Event.OPENED, True, self.number, identity, warning), *welcomes, *seated]

    def _limit_login(self, moment: Moment) -> None:
        if self.deadline is None:
            self.deadline = moment.monotonic + self._policy.login_time.total_seconds()

    def _violation(self, command: Command) -> list[Effect]:
        return self._fail(command.request, Reason.OUT_OF_ORDER, closing=CloseReason.OUT_OF_ORDER)

    def _fail(
        self,
        request: RequestId | None,
        reason: Reason,
        subject: str = "",
        closing: CloseReason = CloseReason.LOGIN_FAILED,
    ) -> list[Effect]:
        told: list[Effect] = [] if request is None else [Send(self.number, Failed(request, reason, subject))]
        return told + self.close(closing)
