"""Anything else that the core can be asked with the pre-shared key."""

from __future__ import annotations

from pkid.answers import Rejected
from pkid.auth.tokens import Binding, body_digest, check_binding, derive_key, read_token, verify
from pkid.exchange import Request
from pkid.testing import START
from tests.agent.case import Impostor
from tests.agent.test_core import BUSY, UNAUTHORIZED, CoreCase
from tests.scripted import http

QUESTION = Request("POST", "/cli/execute", b"help", (("Accept", "text/plain"),))


class AskTests(CoreCase):
    def ask_at(self, *steps: bytes) -> Impostor:
        """Answer in the core's place, with a certificate of the right CA."""
        self.storage.save_authority(self.memory_core.authority)
        return Impostor(self.memory_core, *steps, issuer=self.memory_core.issuer)

    def test_the_answer_comes_back(self) -> None:
        answer = self.done(self.memory_core.core().ask(Request("GET", "/system/ping")))
        self.assertEqual((answer.status, answer.body), (200, b"pong"))

    def test_the_key_opens_what_is_for_members_only(self) -> None:
        error = self.failed(self.memory_core.core().ask(Request("GET", "/nothing")), Rejected)
        assert isinstance(error, Rejected)
        self.assertEqual(error.status, 404)  # a stranger gets 401

    def test_a_request_keeps_its_headers_and_gets_a_token_for_itself_alone(self) -> None:
        impostor = self.ask_at(http(b"yes"))
        self.assertEqual(self.done(self.core_at(impostor, self.storage).ask(QUESTION)).body, b"yes")
        (sent,) = impostor.requests
        self.assertIn(b"\r\nAccept: text/plain\r\n", sent)
        (value,) = (line[22:] for line in sent.splitlines() if line.lower().startswith(b"authorization: bearer "))
        token = read_token(value)
        claims = verify(token, derive_key(self.psk.secret, token.salt))
        binding = Binding("POST", "/cli/execute", body_digest(b"help"))
        check_binding(claims, binding, START.timestamp(), START.timestamp())

    def test_a_token_that_is_not_accepted_is_replaced_once(self) -> None:
        impostor = self.ask_at(UNAUTHORIZED, http(b"yes"))
        self.assertEqual(self.done(self.core_at(impostor, self.storage).ask(QUESTION)).body, b"yes")
        self.assertEqual(len(impostor.requests), 2)

    def test_other_statuses_are_errors(self) -> None:
        for answer, words in ((BUSY, "busy"), (http(b"403", 403), "said no")):
            core = self.core_at(self.ask_at(answer), self.storage)
            with self.subTest(words):
                failure = self.failureResultOf(self.begin(core.ask(QUESTION)))
                self.assertIn(words, failure.getErrorMessage())
