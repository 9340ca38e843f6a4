"""What the tests of the checker share: keys, a clock, and an offload that works at once and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, execute

from pkid.auth import derivation
from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.credentials import BearerToken, Member
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.auth.tokens import Binding, body_digest
from tests.certificates import NOON, PSK, make_token, signing_key
from tests.support import Case

T = TypeVar("T")

BINDING = Binding("POST", "/ca/sign?x=1", body_digest(b"body"))
OLDER = PreSharedKey("older", "an older pre-shared key, 0")
STRANGER = PreSharedKey("stranger", "nobody knows this key here")


class CheckerCase(Case):
    """Asks a checker that was started an hour ago; real keys, each derived once for all tests."""

    def setUp(self) -> None:
        self.patch(derivation, "derive_key", signing_key)
        self.derived = 0
        self.now = NOON.timestamp() - 3600
        self.use()
        self.now = NOON.timestamp()

    def use(self, *psks: PreSharedKey, strict: bool = False) -> None:
        """Ask a new checker from now on, with these keys or the usual one."""
        keys = KeyDerivation(self.offload, workers=2)
        self.keyring = Keyring(psks or (PSK,), lambda: self.now)
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now, strict=strict)

    def offload(self, work: Callable[[], T], /) -> Deferred[T]:
        self.derived += 1
        return execute(work)

    def ask(self, token: bytes, binding: Binding = BINDING, psk: str | None = None) -> Deferred[Any]:
        return self.checker.requestAvatarId(BearerToken(token, binding, "192.0.2.1", psk))

    def admitted(self, token: bytes, binding: Binding = BINDING, psk: str | None = None) -> Member:
        """Return whom the token admits."""
        member: Member = self.successResultOf(self.ask(token, binding, psk))
        return member

    def refused(self, token: bytes, binding: Binding = BINDING, psk: str | None = None) -> None:
        """Fail the test unless the token is refused as any other, with nothing said of why."""
        failure = self.failureResultOf(self.ask(token, binding, psk), UnauthorizedLogin)
        self.assertEqual(failure.value.args, ())
        self.assertIsNone(failure.value.__cause__)

    def token(self, seconds: float | None = 300, **options: Any) -> bytes:
        """Make a token for so many seconds; ``claims`` are more claims, the rest is as in :func:`make_token`."""
        expires_at = None if seconds is None else self.now + seconds
        return make_token(options.pop("claims", {}), expires_at=expires_at, **options)

    def bound(self, **changes: Any) -> bytes:
        """Make a token that is bound to :data:`BINDING`; a claim that is changed to ``None`` is left out."""
        claims = {
            "htm": BINDING.method,
            "htp": BINDING.path,
            "htd": BINDING.digest,
            "jti": "1",
            "iat": self.now,
            "exp": self.now + 120,
            **changes,
        }
        return make_token({name: value for name, value in claims.items() if value is not None})
