"""How a request reaches the core, and proves who sends it."""

from __future__ import annotations

from email.utils import formatdate

from pkid.auth.tokens import Binding, body_digest, check_binding, derive_key, read_token, verify
from pkid.exchange import unverified_context
from pkid.origin import Origin
from pkid.shell.core import Core
from tests.certificates import NOON, PSK
from tests.scripted import Scripted, http, scripted
from tests.support import Case
from tests.test_exchange import LONG

NOW = NOON.timestamp()
REFUSED = http(b"401: Unauthorized", 401)


class CoreTests(Case):
    def core(self, server: Scripted, psk: str = PSK.secret) -> Core:
        return Core(Origin.of(server.url), unverified_context(), psk, LONG, lambda: NOW)

    def execute(self, core: Core, text: str = "help") -> int:
        with core.execute(text, "text/plain") as response:
            response.whole()
            return response.status

    def head(self, request: bytes) -> dict[str, str]:
        first, *lines = request.partition(b"\r\n\r\n")[0].decode().splitlines()
        return {"": first} | dict(line.split(": ", 1) for line in lines)

    def identifier(self, request: bytes, path: str, body: bytes, now: float = NOW) -> str:
        """Check a request's token as the core does, and return its identifier."""
        method = self.head(request)[""].split()[0]
        token = read_token(self.head(request)["Authorization"].removeprefix("Bearer ").encode())
        claims = verify(token, derive_key(PSK.secret, token.salt))
        return check_binding(claims, Binding(method, path, body_digest(body)), now, now)

    def test_a_command_is_sent_as_text_with_a_token_for_it_alone(self) -> None:
        with scripted(http(b""), http(b"")) as server:
            core = self.core(server)
            self.assertEqual([self.execute(core, "echo é") for _ in range(2)], [200, 200])
        for request in server.requests:
            self.assertEqual(self.head(request)[""], "POST /cli/execute HTTP/1.1")
            self.assertEqual(self.head(request)["Content-Type"], "text/plain; charset=utf-8")
            self.assertEqual(self.head(request)["Accept"], "text/plain")
            self.assertEqual(request.partition(b"\r\n\r\n")[2], "echo é".encode())
        one, other = (self.identifier(each, "/cli/execute", "echo é".encode()) for each in server.requests)
        self.assertNotEqual(one, other)

    def test_one_salt_serves_the_process(self) -> None:
        with scripted(http(b""), http(b"")) as server:
            for _ in range(2):
                self.execute(self.core(server))
        tokens = [read_token(self.head(each)["Authorization"][7:].encode()) for each in server.requests]
        self.assertEqual(tokens[0].salt, tokens[1].salt)

    def test_without_a_key_nothing_is_proved(self) -> None:
        with scripted(REFUSED) as server:
            self.assertEqual(self.execute(self.core(server, "")), 401)
        self.assertNotIn("Authorization", self.head(server.requests[0]))

    def test_a_token_that_was_not_accepted_is_made_anew_by_the_cores_clock(self) -> None:
        refusal = http(b"", 401, ("Date", formatdate(NOW + 100, usegmt=True)))
        with scripted(refusal, http(b""), http(b"")) as server:
            core = self.core(server)
            self.assertEqual([self.execute(core), self.execute(core)], [200, 200])
        for request in server.requests[1:]:
            self.identifier(request, "/cli/execute", b"help", NOW + 100.9)

    def test_it_is_made_anew_once(self) -> None:
        with scripted(REFUSED, REFUSED) as server:
            self.assertEqual(self.execute(self.core(server)), 401)
        self.assertEqual(len(server.requests), 2)

    def test_a_busy_core_is_not_asked_twice(self) -> None:
        with scripted(http(b"", 503), http(b"")) as server:
            self.assertEqual(self.execute(self.core(server)), 503)
        self.assertEqual(len(server.requests), 1)

    def test_its_commands_are_described_or_are_not(self) -> None:
        with scripted(http(b"{}"), http(b"", 404)) as server:
            core = self.core(server)
            self.assertEqual([core.describe(), core.describe()], [b"{}", b""])
        self.identifier(server.requests[0], "/cli/info", b"")

    def test_bytes_that_are_no_text_reach_the_core_as_they_are(self) -> None:
        with scripted(http(b"")) as server:
            self.execute(self.core(server), b"\xff".decode("utf-8", "surrogateescape"))
        self.assertTrue(server.requests[0].endswith(b"\xff"))

    def test_no_key_is_shown(self) -> None:
        self.assertNotIn(PSK.secret, repr(self.core(Scripted("http://localhost:1"))))
