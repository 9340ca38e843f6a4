"""Carries out what logins ask for: which proofs a name may use, whether one is good, and keys to be registered."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.auth.proofs import CertificateProof, Greeting, PasswordProof, PlainProof, Proof, ScramAnswer, ScramFinish
from pkid.auth.psk_proof import PskProof
from pkid.auth.registration import Applicant, Registration
from pkid.auth.schemes import Scheme
from pkid.auth.steps import take
from pkid.broker.effects import Authenticate, CloseReason, Enroll, LookUp, Revoke
from pkid.broker.inputs import Admitted, Challenged, Committed, Denied, Disconnect, Input, Known
from pkid.broker.inputs import Failure as NotDone
from pkid.errors import PkidError, Reason, Refused, Unavailable
from pkid.messaging.connection import Connection
from pkid.messaging.connections import Connections
from pkid.messaging.engine import Engine, Handlers
from pkid.messaging.logins import BeginLogin, Login, Registrar
from pkid.messaging.standing import Standing
from pkid.messaging.tally import Tally
from pkid.messaging.trail import Trail

__all__ = ["Identification"]


class Identification:
    """Asks logins and the registrar, and tells the broker what they say.

    :param server: the core's name, as proofs cover it.
    :param standing: is told when a proof stops to count, and which names have a key from now on.
    """

    _log = Logger()

    def __init__(
        self,
        engine: Engine,
        connections: Connections,
        server: str,
        begin_login: BeginLogin,
        registrar: Registrar,
        trail: Trail,
        tally: Tally,
        standing: Standing,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._server = server
        self._begin_login = begin_login
        self._registrar = registrar
        self._trail = trail
        self._tally = tally
        self._standing = standing

    @property
    def handlers(self) -> Handlers:
        """What carries out the effects of logins."""
        return {
            LookUp: self._look_up,
            Authenticate: self._authenticate,
            Enroll: self._enroll,
            Revoke: self._revoke,
        }

    # Logins: one step at a time, and the door waits

    def _look_up(self, effect: LookUp) -> None:
        connection = self._connections.find(effect.session)
        if connection is not None:
            self._begin(connection, self._offer(connection, effect.name))

    def _authenticate(self, effect: Authenticate) -> None:
        connection = self._connections.find(effect.session)
        if connection is not None:
            self._begin(connection, self._check(connection, effect.name, cast("Proof", effect.proof)))

    def _begin(self, connection: Connection, step: Coroutine[Deferred[Any], Any, Input]) -> None:
        work = connection.work = take(step)
        work.addCallbacks(self._finish, self._give_up, callbackArgs=(connection,), errbackArgs=(connection,))

    def _finish(self, answer: Input, connection: Connection) -> None:
        connection.work = None
        self._engine.receive(connection.number, answer)
        connection.proceed()

    def _give_up(self, failure: Failure, connection: Connection) -> None:
        """End a session about which nobody can tell: without an answer, a name must not be let in."""
        connection.work = None
        if failure.check(CancelledError):
            return
        reason = CloseReason.BUSY
        if not failure.check(Unavailable):
            self._log.failure("a login failed for a reason of our own", failure)
            reason = CloseReason.LOGIN_FAILED
        self._engine.receive(connection.number, Disconnect(reason))

    async def _offer(self, connection: Connection, component: str) -> Input:
        return Known(await self._login(connection).offer(component))

    async def _check(self, connection: Connection, component: str, proof: Proof) -> Input:
        if not isinstance(proof, ScramFinish):
            connection.scheme = _scheme(proof)
        try:
            answer = await self._login(connection).prove(component, proof)
        except Refused:
            self._tally.logins[connection.scheme, "denied"] += 1
            return Denied()
        except Unavailable:
            self._tally.logins[connection.scheme, "busy"] += 1
            raise
        if isinstance(answer, ScramAnswer):
            return Challenged(answer)
        self._tally.logins[connection.scheme, "allowed"] += 1
        connection.login, connection.credential, connection.origin = None, answer.credential, answer.origin
        if answer.expires is not None:
            self._standing.ends(connection, answer.expires)
        return Admitted(answer.component, answer.evidence)

    def _login(self, connection: Connection) -> Login:
        if connection.login is None:
            approach = connection.approach
            greeting = Greeting(self._server, connection.nonce, approach.channel, approach.accepted)
            connection.login = self._begin_login(greeting, approach.peer, approach.certificate)
        return connection.login

    # Keys: the door goes on meanwhile

    def _enroll(self, effect: Enroll) -> None:
        connection = self._connections.find(effect.session)
        if connection is not None:
            Deferred.fromCoroutine(self._register(connection, effect))

    def _revoke(self, effect: Revoke) -> None:
        connection = self._connections.find(effect.session)
        if connection is not None:
            Deferred.fromCoroutine(self._unregister(connection, effect))

    async def _register(self, connection: Connection, effect: Enroll) -> None:
        name = effect.name
        try:
            registration = cast("Registration", effect.credential)
            await self._registrar.register(name, registration, self._applicant(connection, effect))
        except Exception as error:
            refusal = self._refusal(error)
            self._trail.registered(connection, name, refusal)
            return self._engine.receive(effect.session, NotDone(effect.request, refusal))
        self._trail.registered(connection, name)
        self._engine.receive(effect.session, Committed(effect.request))
        self._engine.carry_out(self._engine.broker.expel(name, proven_too=False))
        self._standing.reserve(name)

    async def _unregister(self, connection: Connection, effect: Revoke) -> None:
        try:
            ended = await self._registrar.unregister(effect.name, connection.credential)
        except Exception as error:
            refusal = self._refusal(error)
            self._trail.unregistered(connection, effect.name, refusal)
            return self._engine.receive(effect.session, NotDone(effect.request, refusal))
        self._trail.unregistered(connection, effect.name)
        self._engine.receive(effect.session, Committed(effect.request))
        for credential in ended:
            self._standing.revoke(credential)

    def _applicant(self, connection: Connection, effect: Enroll) -> Applicant:
        identity, peer = effect.identity, connection.approach.peer
        if not identity.authenticated:
            return Applicant(peer)
        is_admin = self._engine.broker.rights.is_admin(identity)
        return Applicant(peer, identity.component, connection.credential, is_admin)

    def _refusal(self, error: Exception) -> PkidError:
        if isinstance(error, PkidError):
            return error
        self._log.failure("a key can be neither registered nor forgotten", Failure(error))
        return Unavailable(Reason.STORE)


def _scheme(proof: Proof) -> str:
    """Return the kind of a proof, for figures."""
    match proof:
        case PskProof():
            return Scheme.PSK.value
        case CertificateProof():
            return Scheme.CERTIFICATE.value
        case PasswordProof():
            return Scheme.PASSWORD.value
        case PlainProof() | ScramFinish():
            return "plain"
        case _:
            return proof.scheme.value
