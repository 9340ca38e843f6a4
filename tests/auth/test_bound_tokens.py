"""Bound tokens: good for one request, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pkid.auth.replay import UsedIdentifiers
from pkid.errors import Unavailable
from tests.auth.case import BINDING, CheckerCase


class BoundTests(CheckerCase):
    def test_is_good_once(self) -> None:
        token = self.bound()
        self.assertEqual(self.admitted(token).credential, "psk:default")
        self.refused(token)
        self.refused(self.bound(exp=self.now + 60))
        self.admitted(self.bound(jti="2"))

    def test_what_was_refused_is_not_used_up(self) -> None:
        self.refused(self.bound(), replace(BINDING, method="GET"))
        self.admitted(self.bound())

    def test_is_good_for_one_request(self) -> None:
        for other in (
            replace(BINDING, method="GET"),
            replace(BINDING, path="/ca/sign"),
            replace(BINDING, path="/ca/sign?x=2"),
            replace(BINDING, digest=""),
        ):
            self.refused(self.bound(), other)

    def test_each_claim_counts(self) -> None:
        changes: list[dict[str, Any]] = [
            {"htm": "GET"}, {"htm": "post"}, {"htm": None}, {"htm": ["POST"]}, {"htp": "/ca/sign"}, {"htp": None},
            {"htd": ""}, {"htd": None}, {"htd": BINDING.digest + "="}, {"jti": None}, {"jti": ""}, {"jti": 5},
            {"jti": "x" * 129}, {"jti": ["1"]}, {"iat": None}, {"iat": "0"}, {"iat": True},
        ]  # fmt: skip
        for change in changes:
            self.refused(self.bound(**change))
        self.admitted(self.bound(jti="x" * 128))

    def test_lives_two_minutes_at_most(self) -> None:
        self.refused(self.bound(exp=self.now + 121))
        self.refused(self.bound(iat=self.now - 1))
        self.admitted(self.bound(iat=self.now - 60, exp=self.now + 60))

    def test_from_before_the_start_is_refused(self) -> None:
        self.use()
        self.refused(self.bound(iat=self.now - 1, exp=self.now + 60))
        self.admitted(self.bound(iat=self.now))

    def test_a_clock_that_was_set_back_to_before_the_start_locks_nobody_out(self) -> None:
        self.use()
        self.admitted(self.bound())
        self.now += 3600
        self.admitted(self.bound(jti="2"))
        self.now -= 7200
        self.refused(self.bound(jti="3", iat=self.now - 1, exp=self.now + 60))
        self.admitted(self.bound(jti="3"))
        self.refused(self.bound(jti="3"))

    def test_a_token_that_is_bound_in_part_is_refused(self) -> None:
        for claim in ("htm", "htp", "htd"):
            self.refused(self.token(claims={claim: None}))
        self.refused(self.token(claims={"htm": BINDING.method, "htp": BINDING.path, "htd": BINDING.digest}))

    def test_strict_accepts_nothing_else(self) -> None:
        self.use(strict=True)
        self.refused(self.token())
        self.refused(self.token(claims={"jti": "1", "iat": self.now}))
        self.admitted(self.bound())
        self.refused(self.bound())

    def test_when_no_more_can_be_remembered_it_is_busy(self) -> None:
        self.patch(self.checker, "_used", UsedIdentifiers(capacity=1))
        self.admitted(self.bound())
        failure = self.failureResultOf(self.ask(self.bound(jti="2")), Unavailable)
        self.assertEqual(failure.value.retry_after, 121)
