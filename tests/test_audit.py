"""The audit trail: what its lines look like, and how few a flood makes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from twisted.internet.task import Clock

from pkid.audit import Action, Strangers, allowed, audit_line, certificate_facts, denied
from pkid.ca.ledger import Entry
from tests.audited import audited
from tests.support import Case

PEER = "192.0.2.1"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def entry(renews: int | None = None) -> Entry:
    """Return an entry of no real certificate."""
    return Entry(
        0xABC, "web", False, "component", "psk:default", b"", b"", NOON, NOON, NOON + timedelta(days=1), b"", renews
    )


class LineTests(Case):
    """One line, ``name=value`` pairs, in order."""

    def test_what_was_allowed(self) -> None:
        with audited() as trail:
            allowed(Action.SIGN, "psk:default", PEER, **certificate_facts(entry()))
        self.assertEqual(
            trail.lines,
            [
                "audit action=sign result=allowed credential=psk:default peer=192.0.2.1"
                " serial=abc name=web not_after=2026-01-02T12:00:00Z"
            ],
        )

    def test_what_was_denied(self) -> None:
        with audited() as trail:
            denied(Action.RENEW, "certificate:abc", PEER, "not-allowed", message="the policy does not allow it")
        self.assertEqual(
            trail.lines,
            [
                "audit action=renew result=denied credential=certificate:abc peer=192.0.2.1 reason=not-allowed"
                ' message="the policy does not allow it"'
            ],
        )

    def test_the_fields_are_there_for_programs(self) -> None:
        with audited() as trail:
            denied(Action.LOGIN, "-", PEER, "unauthorized", left_out=3)
        self.assertEqual(
            trail.fields,
            [
                {
                    "action": "login",
                    "result": "denied",
                    "credential": "-",
                    "peer": PEER,
                    "reason": "unauthorized",
                    "left_out": 3,
                }
            ],
        )

    def test_what_a_caller_wrote_stays_in_its_pair(self) -> None:
        for written in ("a\nresult=allowed", "a b", 'a"b', "a=b", "a\\", "a\x1b[31mb", "a\u2028b", "é", "", "{x}"):
            line = audit_line({"name": written})
            self.assertTrue(line.isascii() and line.isprintable(), line)
            self.assertEqual(line == f"audit name={written}", written == "{x}")

    def test_each_value_is_written_by_itself(self) -> None:
        for written, shown in (("", '""'), ("a b", '"a b"'), ("b" * 401, f"{'b' * 400}...")):
            self.assertEqual(audit_line({"a": "x", "b": written, "c": 7}), f"audit a=x b={shown} c=7")

    def test_long_values_are_cut(self) -> None:
        self.assertEqual(audit_line({"name": "a" * 401}), f"audit name={'a' * 400}...")
        self.assertEqual(audit_line({"a": "a" * 400, "b": "b" * 400}), f"audit a={'a' * 400} b={'b' * 400}")

    def test_instants_are_utc(self) -> None:
        there = NOON.astimezone(timezone(timedelta(hours=2)))
        self.assertEqual(audit_line({"not_after": there}), "audit not_after=2026-01-01T12:00:00Z")

    def test_a_renewal_names_what_it_renews(self) -> None:
        self.assertEqual(certificate_facts(entry(0xAB))["renews"], "ab")
        self.assertNotIn("renews", certificate_facts(entry()))


class StrangersTests(Case):
    """A flood leaves a few lines, and the number of the others."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.strangers = Strangers(self.clock.seconds, most=2, span=60.0)

    def come(self, times: int, peer: str = PEER) -> list[str]:
        with audited() as trail:
            for _ in range(times):
                self.strangers.denied(peer, "unauthorized")
        return trail.lines

    def test_so_many_lines_for_each_peer(self) -> None:
        self.assertEqual(len(self.come(5)), 2)
        self.assertEqual(len(self.come(5, "192.0.2.2")), 2)

    def test_what_is_left_out_is_counted_by_reason(self) -> None:
        self.come(5)
        self.come(3, "192.0.2.2")
        self.assertEqual(self.strangers.left_out, {("login", "denied", "unauthorized"): 4})

    def test_the_next_line_counts_those_left_out(self) -> None:
        self.come(5)
        self.clock.advance(59.9)
        self.assertEqual(self.come(1), [])
        self.clock.advance(0.1)
        first, second = self.come(2)
        self.assertTrue(first.endswith(" left_out=4"), first)
        self.assertNotIn("left_out", second)

    def test_a_network_of_addresses_is_one_peer(self) -> None:
        self.assertEqual(len(self.come(2, "2001:db8::1") + self.come(2, "2001:db8::2")), 2)

    def test_it_does_not_grow_without_bound(self) -> None:
        self.come(3)
        for number in range(1024):
            self.come(1, f"198.18.{number // 256}.{number % 256}")
        self.assertEqual(len(self.come(1)), 1)
