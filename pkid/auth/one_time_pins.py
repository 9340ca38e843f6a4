"""PINs that an admin hands out for one name: good once, for a while, and until the core ends."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

__all__ = ["OneTimePins"]

_SIZE = 10  # random bytes: 16 letters and digits
_GROUP = 4


class OneTimePins:
    """Hands out PINs and takes them back; at most one for a name is good at a time.

    :param now: gives a time in seconds that never goes back.
    :param random_bytes: gives so many random bytes (``os.urandom``).
    """

    def __init__(self, now: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self._now = now
        self._random_bytes = random_bytes
        self._issued: dict[str, tuple[bytes, float]] = {}

    def issue(self, component: str, lifetime: timedelta) -> str:
        """Make a PIN for a name, such as ``ABCD-EFGH-2345-WXYZ``; the one before is good no longer."""
        now = self._now()
        self._issued = {name: entry for name, entry in self._issued.items() if now < entry[1]}
        letters = base64.b32encode(self._random_bytes(_SIZE)).decode("ascii")
        self._issued[component] = _digest(letters), now + lifetime.total_seconds()
        return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))

    def withdraw(self, component: str) -> bool:
        """Let the PIN of a name be good no longer, and tell whether there was one."""
        return self._issued.pop(component, None) is not None

    def use(self, component: str, text: str) -> bool:
        """Tell whether this is the PIN of a name; it is good no longer then."""
        digest, ends_at = self._issued.get(component, (b"", 0.0))
        if not hmac.compare_digest(digest, _digest(text)) or not self._now() < ends_at:
            return False
        del self._issued[component]
        return True


def _digest(text: str) -> bytes:
    """Make of a PIN what it is compared by, in any case of letters, with or without hyphens."""
    return sha256(text.replace("-", "").upper().encode("utf-8", "surrogatepass")).digest()
