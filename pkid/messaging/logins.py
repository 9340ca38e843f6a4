"""What the broker's service expects of those who check proofs and register keys."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from pkid.auth.proofs import Admission, Greeting, Proof, ScramAnswer
from pkid.auth.registration import Applicant, Registration
from pkid.errors import Reason, Refused

__all__ = ["BeginLogin", "ClosedRegister", "Login", "Registrar"]


class Login(Protocol):
    """The login of one connection; it is good for one attempt."""

    def offer(self, component: str, /) -> Awaitable[tuple[str, ...]]:
        """Return the schemes by which a name may be proven; none when it has no credential and that is no secret."""

    def prove(self, component: str, proof: Proof, /) -> Awaitable[Admission | ScramAnswer]:
        """Check a proof; there is one attempt, which in SCRAM has two steps.

        :raises Refused: ``proof-failed``, for whatever is wrong.
        :raises Unavailable: ``busy`` when there is no time to tell.
        """


class BeginLogin(Protocol):
    """Begins logins."""

    def __call__(self, greeting: Greeting, peer: str, certificate: bytes | None, /) -> Login:
        """Return the login of a new connection.

        :param peer: the address that the connection comes from.
        :param certificate: the certificate whose key TLS proved, DER.
        """


class Registrar(Protocol):
    """Registers components' keys."""

    def register(self, component: str, registration: Registration, applicant: Applicant, /) -> Awaitable[object]:
        """Give a name a key, if who asks is entitled to that.

        :raises PkidError: when that is not done.
        """

    def unregister(self, component: str, credential: str, /) -> Awaitable[Sequence[str]]:
        """Forget the key by which a component proved its name, or its keys if it proved it by something else.

        Returns the credentials that are no more, as ``kind:name``.

        :param credential: by what, as ``kind:name``.
        :raises PkidError: when that is not done.
        """


class ClosedRegister:
    """A registrar that registers nobody."""

    async def register(self, component: str, registration: Registration, applicant: Applicant) -> None:
        """Refuse.

        :raises Refused: always.
        """
        raise Refused(Reason.NOT_ALLOWED, component)

    async def unregister(self, component: str, credential: str) -> Sequence[str]:
        """Refuse.

        :raises Refused: always.
        """
        raise Refused(Reason.NOT_ALLOWED, component)
