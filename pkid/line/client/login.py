"""How a component logs in on a connection: without a name, under a name, or with a proof of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pkid.agent.runtime import Runtime
from pkid.auth.component_login import Attempt, FalseCore, Invitation, begin_attempt
from pkid.auth.own_credential import OwnCredential
from pkid.auth.proofs import Proof
from pkid.auth.transcript import NONCE_SIZE
from pkid.broker.commands import Identify, Prove
from pkid.errors import PkidError, Reason
from pkid.line.client.channel import channel_of
from pkid.line.client.connection import Connection
from pkid.line.client.errors import Denied
from pkid.line.codec import VERSION
from pkid.line.events import Challenged, Continued, Welcomed

__all__ = ["Login"]


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in, and with what.

    :ivar component: its name; ``None`` to come without one.
    :ivar credential: proves the name; ``None`` for a name that has no credential, and so no rights.
    :ivar unbound_allowed: whether a proof is sent that is not bound to its TLS connection, too.
    :ivar random_bytes: gives so many random bytes (``os.urandom``).
    """

    component: str | None
    credential: OwnCredential | None
    unbound_allowed: bool
    random_bytes: Callable[[int], bytes]

    async def perform(self, connection: Connection, runtime: Runtime) -> Welcomed | None:
        """Log in.

        :return: the core's welcome; ``None`` without a name.
        :raises Denied: when the core says no, or asks for a proof that there is nothing for.
        :raises TrustError: when the core would like something weaker, or does not prove itself.
        :raises Disconnected: when the connection is lost meanwhile.
        """
        greeting = await connection.greeted
        if greeting.version != VERSION:
            raise FalseCore(f"the core speaks version {greeting.version} of the line protocol, and this is {VERSION}")
        if self.component is None:
            return None
        if self.credential is None:
            return await _claim(connection, self.component)
        channel = channel_of(connection.transport, self.unbound_allowed)
        invitation = Invitation(greeting.server, greeting.nonce, greeting.schemes, channel)
        attempt = begin_attempt(invitation, self.component, self.credential, self.random_bytes(NONCE_SIZE))
        try:
            return await _prove(connection, self.component, attempt, runtime)
        except PkidError as error:
            raise Denied(error.reason.code, str(error)) from None


async def _claim(connection: Connection, component: str) -> Welcomed:
    answer = await connection.request(Identify(connection.next_id(), component))
    if isinstance(answer, Challenged):
        raise Denied(Reason.PROOF_NEEDED.code, f"the name {component} has a credential; give it to prove the name")
    return _welcome(answer, component, proven=False)


async def _prove(connection: Connection, component: str, attempt: Attempt, runtime: Runtime) -> Welcomed:
    async def send(proof: Proof) -> Welcomed | Continued:
        answer: Welcomed | Continued = await connection.request(Prove(connection.next_id(), component, proof))
        return answer

    answer = await send(await runtime.offload(attempt.start))
    if isinstance(answer, Continued):
        message = answer.message
        answer = await send(await runtime.offload(lambda: attempt.go_on(message)))
    welcome = _welcome(answer, component, proven=True)
    attempt.check(welcome.evidence)
    return welcome


def _welcome(answer: object, component: str, *, proven: bool) -> Welcomed:
    """Take the core's welcome, if it is for this name and as good as the login."""
    if not isinstance(answer, Welcomed) or answer.name != component or answer.proven < proven:
        raise FalseCore(f"the core does not welcome {component} under its name; see that it is the right core")
    return answer
