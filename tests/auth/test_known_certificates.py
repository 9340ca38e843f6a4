"""The ledger is asked once for a certificate that it knows, and each time for one that it does not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from pkid.auth.known_certificates import KnownCertificates
from pkid.ca.ledger import Entry
from pkid.errors import Reason, Unavailable
from tests.support import Case


class KnownCertificatesTests(Case):
    def setUp(self) -> None:
        self.ledger: dict[bytes, Any] = {name: object() for name in (b"a", b"b", b"c")}
        self.asked: list[bytes] = []

    def find(self, sha256: bytes) -> Deferred[Entry | None]:
        self.asked.append(sha256)
        return succeed(self.ledger.get(sha256))

    def test_who_comes_again_costs_no_look_into_the_ledger(self) -> None:
        known = KnownCertificates(self.find)
        for _ in range(3):
            self.assertIs(self.successResultOf(known(b"a")), self.ledger[b"a"])
        self.assertEqual(self.asked, [b"a"])

    def test_what_the_ledger_does_not_know_leaves_nothing_behind(self) -> None:
        known = KnownCertificates(self.find, most=1)
        self.successResultOf(known(b"a"))
        for _ in range(2):
            self.assertIsNone(self.successResultOf(known(b"stranger")))
        self.successResultOf(known(b"a"))
        self.assertEqual(self.asked, [b"a", b"stranger", b"stranger"])
        self.ledger[b"stranger"] = entry = object()
        self.assertIs(self.successResultOf(known(b"stranger")), entry)

    def test_the_one_not_asked_for_longest_makes_room(self) -> None:
        known = KnownCertificates(self.find, most=2)
        for each in (b"a", b"b", b"a", b"c", b"a", b"b"):
            self.successResultOf(known(each))
        self.assertEqual(self.asked, [b"a", b"b", b"c", b"b"])

    def test_a_ledger_that_cannot_be_read_says_so_each_time(self) -> None:
        answers: list[Deferred[Entry | None]] = []

        def find(sha256: bytes) -> Deferred[Entry | None]:
            answers.append(Deferred())
            return answers[-1]

        known = KnownCertificates(find)
        for _ in range(2):
            answer = known(b"a")
            answers[-1].errback(Unavailable(Reason.STORE))
            self.failureResultOf(answer, Unavailable)
        self.assertEqual(len(answers), 2)
