"""PINs that an admin hands out for one name: good once, and for a while, whatever restarts lie between."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

__all__ = ["IssuedPin", "OneTimePins", "PinStore"]

_SIZE = 10  # random bytes: 16 letters and digits, so many that a plain digest of them tells nothing
_GROUP = 4


@dataclass(frozen=True, slots=True)
class IssuedPin:
    """What is kept of a PIN.

    :ivar digest: what it is compared by, 32 bytes.
    :ivar ends_at: until when it is good, aware UTC.
    """

    digest: bytes = field(repr=False)
    ends_at: datetime


class PinStore(Protocol):
    """A place that keeps PINs, one for a name at most."""

    def load(self) -> Mapping[str, IssuedPin]:
        """Return them by names; blocks, for use before the reactor runs."""

    def put(self, component: str, pin: IssuedPin, by: str, /) -> Awaitable[None]:
        """Keep a name's PIN in place of the one before, and forget those that have ended.

        :param by: who hands it out, as the trail is to tell.
        """

    def remove(self, component: str, pin: IssuedPin, /) -> Awaitable[None]:
        """Forget this PIN of a name; one that took its place stays."""


class OneTimePins:
    """Hands out PINs and takes them back; at most one for a name is good at a time.

    :param store: what is kept there is good from the start.
    :param now: gives the wall-clock time, aware UTC.
    :param random_bytes: gives so many random bytes (``os.urandom``).
    """

    def __init__(self, store: PinStore, now: Callable[[], datetime], random_bytes: Callable[[int], bytes]) -> None:
        self._store = store
        self._now = now
        self._random_bytes = random_bytes
        self._issued = dict(store.load())

    async def issue(self, component: str, lifetime: timedelta, by: str) -> str:
        """Make a PIN for a name, such as ``ABCD-EFGH-2345-WXYZ``; the one before is good no longer.

        :param by: who hands it out, as the trail is to tell.
        :raises Unavailable: ``store`` when it cannot be kept.
        """
        now = self._now()
        letters = base64.b32encode(self._random_bytes(_SIZE)).decode("ascii")
        pin = IssuedPin(_digest(letters), now + lifetime)
        self._issued = {name: issued for name, issued in self._issued.items() if now < issued.ends_at}
        await self._store.put(component, pin, by)
        self._issued[component] = pin
        return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))

    async def use(self, component: str, text: str) -> bool:
        """Tell whether this is the PIN of a name; it is good no longer then, and that is kept before this returns.

        :raises Unavailable: ``store`` when that cannot be kept: then it is good still.
        """
        issued = self._issued.get(component)
        digest = b"" if issued is None else issued.digest
        if not hmac.compare_digest(digest, _digest(text)) or issued is None or self._now() >= issued.ends_at:
            return False
        del self._issued[component]  # at once, so that two who come together do not both use it
        try:
            await self._store.remove(component, issued)
        except BaseException:
            self._issued.setdefault(component, issued)
            raise
        return True


def _digest(text: str) -> bytes:
    """Make of a PIN what it is compared by, in any case of letters, with or without hyphens."""
    return sha256(text.replace("-", "").upper().encode("utf-8", "surrogatepass")).digest()
