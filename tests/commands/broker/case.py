"""What the tests of the broker's commands share: a broker at work in memory, and its commands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred

from pkid.auth.component_keyring import MemoryKeyring
from pkid.auth.credentials import Member, Right
from pkid.ca.policy import ANY_NAME
from pkid.commands.broker.kinds import broker_sources
from pkid.commands.broker.rights import rights_commands
from pkid.commands.broker.sessions import kick
from pkid.commands.broker.views import view_commands
from pkid.commands.command import Command, Item
from pkid.commands.filters import FILTERS
from pkid.commands.help import with_help
from pkid.commands.interpreter import Interpreter, MissingRight
from pkid.commands.search import search
from pkid.errors import PkidError
from pkid.inventory.inventory import Inventory
from pkid.inventory.results import gather
from tests.messaging.core import WALL, Core
from tests.support import Case

__all__ = ["ADMIN", "NOBODY", "READER", "BrokerCase"]

ADMIN = Member("psk:default", frozenset(Right), ANY_NAME)
READER = Member("psk:reader", frozenset({Right.READ}), ANY_NAME)
NOBODY = Member("psk:issuer", frozenset({Right.ISSUE}), ANY_NAME)


class Keyring(MemoryKeyring):
    """A keyring in memory that also notes on whose word something was revoked."""

    def __init__(self) -> None:
        super().__init__()
        self.revoked_by: list[str] = []

    async def revoke(self, identifier: str, by: str = "") -> bool:
        self.revoked_by.append(by)
        return await super().revoke(identifier)


class BrokerCase(Case):
    """Has a broker in which ``alice`` and ``superuser`` can prove their names."""

    def setUp(self) -> None:
        self.core = Core(keys=["alice", "superuser"])
        self.service = self.core.service
        self.keyring = Keyring()
        self.inventory = Inventory(broker_sources(self.service, self.keyring), self.now)
        self.commands = list(self.make_commands())
        self.interpreter = Interpreter(with_help([*self.commands, search(self.inventory), *FILTERS]))

    def make_commands(self) -> Iterable[Command]:
        return [*view_commands(self.service, self.inventory), *rights_commands(self.service), kick(self.service)]

    def now(self) -> datetime:
        return datetime.fromtimestamp(WALL + self.core.clock.seconds(), UTC)

    def start(self, text: str, member: Member = ADMIN) -> Deferred[list[Item]]:
        """Run a line."""

        async def run() -> list[Item]:
            (output,) = await self.interpreter.prepare(text, member, "192.0.2.9").run()
            return list(await gather(output.all()))

        return Deferred.fromCoroutine(run())

    def run_line(self, text: str, member: Member = ADMIN) -> list[Any]:
        """Run a line, which must work at once."""
        return self.successResultOf(self.start(text, member))

    def refused(self, text: str, member: Member = ADMIN) -> str:
        """Return why a line is refused."""
        failure = self.failureResultOf(self.start(text, member))
        self.assertIsNotNone(failure.check(PkidError, MissingRight), failure.getTraceback())
        return str(failure.value)
