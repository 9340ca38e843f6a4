"""PINs that are kept in memory, for tests of what stands on them."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, fail, succeed

from pkid.auth.one_time_pins import IssuedPin
from pkid.errors import Reason, Unavailable

__all__ = ["MemoryPins"]


class MemoryPins:
    """A :class:`pkid.auth.one_time_pins.PinStore`.

    :ivar kept: what is kept now; :ivar trail: who handed out a PIN for which name.
    :ivar works: whether anything can be kept.
    """

    def __init__(self) -> None:
        self.kept: dict[str, IssuedPin] = {}
        self.trail: list[tuple[str, str]] = []
        self.works = True

    def load(self) -> Mapping[str, IssuedPin]:
        return self.kept

    def put(self, component: str, pin: IssuedPin, by: str) -> Deferred[None]:
        if not self.works:
            return fail(Unavailable(Reason.STORE))
        self.kept[component] = pin
        self.trail.append((component, by))
        return succeed(None)

    def remove(self, component: str, pin: IssuedPin) -> Deferred[None]:
        if not self.works:
            return fail(Unavailable(Reason.STORE))
        if self.kept.get(component) == pin:
            del self.kept[component]
        return succeed(None)
