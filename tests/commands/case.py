"""What the tests of commands share: the commands of a core in memory, and who calls them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from twisted.internet.defer import Deferred, execute

from pkid.auth.credentials import Member, Right
from pkid.auth.derivation import Offload
from pkid.ca.authority import Authority
from pkid.ca.policy import ANY_NAME
from pkid.commands.command import File, Item, Output
from pkid.commands.core import core_commands
from pkid.commands.interpreter import Interpreter
from pkid.inventory.results import gather
from pkid.issuance import Issuance
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, profile, root
from tests.inventory.sources import certificates
from tests.support import Case

__all__ = ["ADMIN", "READER", "CommandCase"]

ADMIN = Member("psk:default", frozenset(Right), ANY_NAME)
READER = Member("user:reader", frozenset({Right.READ}), ANY_NAME)


class CommandCase(Case):
    """Runs commands of a core whose keys are made at once."""

    def setUp(self) -> None:
        serials = count(2**130)
        self.store = MemoryStore()
        self.authority = Authority(root(), profile(), lambda: NOON, lambda: next(serials))
        self.issuance = Issuance(self.authority, self.store)
        self.interpreter = self.make_interpreter(execute)

    def make_interpreter(self, offload: Offload) -> Interpreter:
        return Interpreter(core_commands(lambda: root().certificate, certificates(self.store), self.issuance, offload))

    def start(self, text: str, member: Member = ADMIN) -> Deferred[list[Output]]:
        """Run a text."""
        return Deferred.fromCoroutine(self.interpreter.prepare(text, member, "192.0.2.1").run())

    def outputs(self, text: str, member: Member = ADMIN) -> list[Output]:
        """Run a text, which must work at once."""
        return self.successResultOf(self.start(text, member))

    def items(self, text: str, member: Member = ADMIN) -> list[Item]:
        """Run one line that gives items."""
        (output,) = self.outputs(text, member)
        self.assertEqual(output.files, ())
        return list(self.successResultOf(Deferred.fromCoroutine(gather(output.all()))))

    def files(self, text: str) -> list[File]:
        """Run one line that gives files."""
        (output,) = self.outputs(text)
        self.assertEqual(output.items, ())
        return list(output.files)

    def is_refused(self, kind: type[Exception], texts: Iterable[str], message: str, member: Member = ADMIN) -> None:
        """Check that each text is refused before anything is done, in these words."""
        for text in texts:
            with self.assertRaises(kind) as raised:
                self.interpreter.prepare(text, member, "192.0.2.1")
            self.assertEqual(str(raised.exception), message, text)
