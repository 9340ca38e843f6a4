"""What is known of CAs goes on from one start to the next, and distrust counts before it is durable."""

from __future__ import annotations

from pkid.ca.issuers import Issuers
from pkid.errors import Reason, Refused, Unavailable, Unusable
from pkid.lineage import Lineage
from tests.certificates import NOON, authority
from tests.lineages import MemoryIssuers
from tests.support import Case

FIRST, SECOND, THIRD = (authority(f"CN={name}").chain for name in ("first", "second", "third"))


class LineageTests(Case):
    def setUp(self) -> None:
        self.kept = MemoryIssuers()

    def begin(self, *chains: tuple[object, ...]) -> Lineage:
        """Begin with a chain, and perhaps that of the stored CA."""
        lineage = Lineage(self.kept, lambda: NOON)
        lineage.begin(chains[0], chains[1] if len(chains) > 1 else None)  # type: ignore[arg-type]
        return lineage

    def test_whoever_issued_before_a_start_is_known_after_it(self) -> None:
        self.begin(FIRST)
        self.begin(SECOND).succeed(THIRD)
        self.assertEqual(set(self.begin(FIRST).issuers.former), {SECOND, THIRD})
        self.assertEqual(self.begin(FIRST).issuers, self.kept.kept)

    def test_the_stored_ca_of_which_nothing_was_noted_is_known(self) -> None:
        self.assertEqual(self.begin(SECOND, FIRST).issuers.former, (FIRST,))
        self.assertEqual(self.kept.kept.former, (FIRST,))

    def test_nothing_is_written_where_nothing_changed(self) -> None:
        self.begin(FIRST)
        self.kept.save_now = lambda found: self.fail("written")  # type: ignore[method-assign]
        self.begin(FIRST)

    def test_what_cannot_be_kept_counts_and_is_told(self) -> None:
        lineage = self.begin(FIRST)
        self.kept.works = False
        lineage.succeed(SECOND)
        self.assertEqual(lineage.issuers.former, (FIRST,))
        self.assertEqual(len(self.flushLoggedErrors(Unavailable)), 1)
        self.assertEqual(self.begin(SECOND).issuers.former, (FIRST,))

    def test_distrust_is_kept_and_ends_the_next_start_with_that_ca(self) -> None:
        lineage = self.begin(FIRST)
        lineage.succeed(SECOND)
        sha256 = lineage.issuers.known[1].sha256
        self.successResultOf(lineage.distrust(sha256, "psk:default"))
        self.assertEqual(self.kept.trail, [(sha256, "psk:default", NOON)])
        self.assertEqual(self.begin(SECOND, FIRST).issuers.former, ())
        self.assertRaises(Unusable, self.begin, FIRST)
        self.assertRaises(Unusable, lineage.succeed, FIRST)

    def test_distrust_counts_even_if_it_cannot_be_kept_and_may_be_tried_again(self) -> None:
        lineage = self.begin(FIRST)
        lineage.succeed(SECOND)
        sha256 = lineage.issuers.known[1].sha256
        self.kept.works = False
        self.failureResultOf(lineage.distrust(sha256, "psk:default"), Unavailable)
        self.assertEqual((lineage.issuers.former, self.kept.kept.former), ((), (FIRST,)))
        self.kept.works = True
        self.successResultOf(lineage.distrust(sha256, "psk:default"))
        self.assertEqual(self.kept.kept.former, ())

    def test_the_one_that_issues_is_not_distrusted(self) -> None:
        lineage = self.begin(FIRST)
        error = self.assertRaises(Refused, lineage.distrust, lineage.issuers.known[0].sha256, "psk:default")
        self.assertIs(error.reason, Reason.ISSUER_IN_USE)
        self.assertEqual(lineage.issuers, Issuers().succeeded_by(FIRST, NOON))
