"""``broker kick``."""

from __future__ import annotations

from pkid.broker.effects import CloseReason
from tests.audited import audited
from tests.commands.broker.case import READER, BrokerCase


class KickTests(BrokerCase):
    def test_all_sessions_of_a_component_end(self) -> None:
        alice, first, second = self.core.join("alice"), self.core.join("bob"), self.core.join()
        with audited() as trail:
            self.assertEqual(self.run_line("broker kick alice"), ["1 session ended"])
        self.assertIs(alice.closed, CloseReason.KICKED)
        self.assertEqual((first.closed, second.closed), (None, None))
        self.assertIn(
            "action=broker result=allowed credential=psk:default peer=192.0.2.9 kicked=alice", trail.lines[-1]
        )

    def test_one_session_by_its_number(self) -> None:
        first, second = self.core.join(), self.core.join()
        self.assertEqual(self.run_line(f"broker kick #{second.session.number}"), ["1 session ended"])
        self.assertEqual((first.closed, second.closed), (None, CloseReason.KICKED))

    def test_a_name_of_digits_is_a_name(self) -> None:
        first = self.core.join()
        self.assertIn("there is no session of '1'", self.refused(f"broker kick {first.session.number}"))
        self.assertIsNone(first.closed)

    def test_nobody_is_told(self) -> None:
        for typed in ("alice", "#99", "#0"):
            self.assertIn("there is no session of", self.refused(f"broker kick {typed}"))
        for typed in ("#", "#x", "a/b", '""', "#" + "9" * 30):
            self.assertIn("expected a component's name", self.refused(f"broker kick {typed}"))

    def test_readers_kick_nobody(self) -> None:
        alice = self.core.join("alice")
        self.assertEqual(self.refused("broker kick alice", READER), "missing permission: admin")
        self.assertIsNone(alice.closed)
