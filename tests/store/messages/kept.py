"""Messages to keep, recalls of them, and stores to put them into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from pkid.broker.effects import Recall, Wanted
from pkid.broker.identity import Identity
from pkid.broker.message import Message, QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.topic import Pattern
from pkid.store.messages.messages import Limits
from pkid.store.messages.schema import MESSAGES
from pkid.store.messages.store import SQLBrokerStore
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_reader, open_sqlite
from tests.store.entries import NOON, sqlite_store

ALICE = Identity("alice", True)


def message(number: int, topic: str = "news", **changes: Any) -> Message:
    """Make a message that says its number."""
    made: dict[str, Any] = {
        "tenant": ".",
        "payload": Payload(PayloadKind.TEXT, b"message %d" % number),
        "size": 100,
        "qos": QoS.AT_LEAST_ONCE,
        "sender": ALICE,
        "received_at": 1000.0 + number,
        "slot": None,
    }
    return Message(number=number, topic=topic, segments=tuple(topic.split("/")), **(made | changes))


def recall(*topics: str, beyond: int = 0, until: int = 10**6, since: float = 0.0, **changes: Any) -> Recall:
    """Ask for the messages of topics and patterns."""
    wanted = tuple(Wanted(Pattern(topic), since, 0) for topic in topics)
    made: dict[str, Any] = {"tenant": ".", "most": 1000, "room": 1 << 20}
    return Recall(session=1, wanted=wanted, beyond=beyond, until=until, **(made | changes))


class Databases:
    """A ledger and a message store on files, which work in the calling thread."""

    def __init__(self, folder: Path) -> None:
        self.ledger = sqlite_store(folder / "ledger.sqlite")
        path = folder / "messages.sqlite"
        engine = open_sqlite(path, timedelta(milliseconds=10), MESSAGES)
        self.messages = SQLStore(engine, execute, what="message store")
        self.engine = engine
        self._reader = open_reader(path)
        self.clock = Clock()

    def read(self, work: Callable[[Connection], Any]) -> Deferred[Any]:
        """Read at once."""
        with self._reader.connect() as connection, connection.begin():
            return execute(work, connection)

    def store(self, limits: Limits | None = None, clock: Clock | None = None) -> SQLBrokerStore:
        """Return a broker's store."""
        return SQLBrokerStore(self.ledger, self.messages, self.read, clock or self.clock, lambda: NOON, limits)

    def close(self) -> None:
        """Close the files."""
        self._reader.dispose()
        self.messages.close()
        self.ledger.close()
