"""Runs a broker: gives it inputs, with the time, and has its effects carried out in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.logger import Logger

from pkid.broker.broker import Broker
from pkid.broker.commands import Command
from pkid.broker.effects import Effect
from pkid.broker.inputs import Input
from pkid.broker.message import Moment

__all__ = ["Engine", "Handlers"]

Handlers = Mapping[type[Effect], Callable[[Any], None]]
"""What carries out each kind of effect."""


class Engine:
    """A broker at work.

    What follows from an effect is carried out after the effects that are there already, so that none is overtaken.

    :param seconds: gives the time of a clock that only goes forward.
    :param wall: gives the seconds since the epoch.
    """

    _log = Logger()

    def __init__(self, broker: Broker, seconds: Callable[[], float], wall: Callable[[], float]) -> None:
        self.broker = broker
        self._seconds = seconds
        self._wall = wall
        self._epoch = wall() - seconds()
        self._handlers: dict[type[Effect], Callable[[Any], None]] = {}
        self._row: list[Effect] | None = None  # what is being carried out

    def handle(self, handlers: Handlers) -> None:
        """Have these kinds of effects carried out by these functions."""
        self._handlers.update(handlers)

    def moment(self) -> Moment:
        """Return the time; one clock is read, the other is compared with it at every tick."""
        seconds = self._seconds()
        return Moment(seconds, self._epoch + seconds)

    def receive(self, number: int, given: Command | Input) -> None:
        """Give the broker an input of a session."""
        seconds = self._seconds()
        effects = self.broker.receive(number, given, Moment(seconds, self._epoch + seconds))
        if effects:
            self.carry_out(effects)

    def tick(self) -> None:
        """Let the broker take note of the time."""
        self._epoch = self._wall() - self._seconds()
        self.carry_out(self.broker.tick(self.moment()))

    def carry_out(self, effects: Iterable[Effect]) -> None:
        """Carry out effects, and all that follows from them; one that fails is no reason to leave out the next."""
        if self._row is not None:
            self._row.extend(effects)
            return
        self._row = row = effects if type(effects) is list else list(effects)
        handlers = self._handlers
        try:
            for effect in row:  # which grows meanwhile
                try:
                    handlers[type(effect)](effect)
                except Exception:
                    self._log.failure("an effect cannot be carried out: {kind}", kind=type(effect).__name__)
        finally:
            self._row = None
