"""What the guard tells the checkers about a connection."""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pkid.audit import Strangers
from pkid.auth.credentials import IBearerToken, Member
from pkid.auth.realm import Realm
from pkid.ca.policy import ANY_NAME
from pkid.errors import Reason, Unavailable
from pkid.web.guard import Guard
from pkid.web.rendering import NotFound, Routes
from tests.support import Case
from tests.web.memory import Connection, Door, request


@implementer(ICredentialsChecker)
class Checker:
    """Admits the token ``good``, is too busy for ``busy``, and refuses every other."""

    credentialInterfaces = (IBearerToken,)

    def __init__(self) -> None:
        self.suspected: list[bool] = []

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        self.suspected.append(credentials.suspect)
        if credentials.token == b"good":
            return succeed(Member("psk:default", frozenset(), ANY_NAME))
        return fail(Unavailable(Reason.BUSY) if credentials.token == b"busy" else UnauthorizedLogin())


class SuspicionTests(Case):
    def setUp(self) -> None:
        self.checker = Checker()
        self.door = Door()
        guard = Guard(Portal(Realm(), [self.checker]), Strangers(self.door.clock.seconds), self.door.keyring)
        self.door.site.serve(Routes({}, NotFound(guard), self.door.keyring))
        self.client = self.door.connect()

    def show(self, *tokens: bytes, client: Connection | None = None) -> list[bool]:
        """Show tokens on a connection; return which of them were suspect."""
        self.checker.suspected.clear()
        for token in tokens:
            (client or self.client).send(request("GET", "/", Authorization=b"Bearer " + token))
        return self.checker.suspected

    def test_a_connection_is_suspect_once_a_token_on_it_was_refused(self) -> None:
        self.assertEqual(self.show(b"good", b"bad", b"bad", b"good"), [False, False, True, True])

    def test_a_good_token_clears_it(self) -> None:
        self.assertEqual(self.show(b"bad", b"good", b"good"), [False, True, False])

    def test_a_busy_core_says_nothing_about_the_token(self) -> None:
        self.assertEqual(self.show(b"busy", b"busy", b"bad", b"busy", b"bad"), [False, False, False, True, True])

    def test_other_connections_of_the_same_peer_are_not(self) -> None:
        self.show(b"bad")
        self.assertEqual(self.show(b"bad", client=self.door.connect()), [False])
