"""The topics that the core itself answers calls of."""

from __future__ import annotations

from collections.abc import Callable

from pkid import __version__
from pkid.broker.commands import Answer
from pkid.broker.effects import Serve
from pkid.broker.payload import Payload, PayloadKind
from pkid.messaging.engine import Engine, Handlers

__all__ = ["OWN_TOPICS", "OwnTopics"]

OWN_TOPICS = frozenset({"rid", "version", "uptime"})
"""They are open to whoever may call them, as any topic."""


class OwnTopics:
    """Answers with a line of text.

    :param server: the core's name.
    :param uptime: gives the seconds since the start.
    """

    def __init__(self, engine: Engine, server: str, uptime: Callable[[], float]) -> None:
        self._engine = engine
        self._answers: dict[str, Callable[[], str]] = {
            "rid": lambda: server,
            "version": lambda: f"pkid {__version__}",
            "uptime": lambda: f"up for {int(uptime())} seconds",
        }

    @property
    def handlers(self) -> Handlers:
        """What carries out the calls of these topics."""
        return {Serve: self._serve}

    def _serve(self, effect: Serve) -> None:
        payload = Payload(PayloadKind.TEXT, self._answers[effect.topic]().encode("utf-8"))
        answer = Answer(None, effect.number, payload, len(payload.data))
        self._engine.carry_out(self._engine.broker.served(answer))
