"""The commands about CAs."""

from __future__ import annotations

from twisted.internet.defer import Deferred, execute

from pkid.ca.trust import fingerprint
from pkid.commands.authority import ca_distrust
from pkid.commands.core import core_commands
from pkid.commands.interpreter import Interpreter, MissingRight
from pkid.errors import Malformed, Reason, Refused
from tests.certificates import root
from tests.commands.case import ADMIN, READER, CommandCase
from tests.inventory.sources import certificates
from tests.web.memory import CA_DER

SHA256 = fingerprint(CA_DER)


class AuthorityTests(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.distrusted: list[tuple[bytes, str]] = []
        self.ended = 3
        self.interpreter = Interpreter(
            core_commands(
                lambda: root().certificate, certificates(self.store), self.issuance, execute,
                [ca_distrust(self.distrust)],
            )
        )  # fmt: skip

    async def distrust(self, sha256: bytes, by: str) -> int:
        if sha256 == bytes(32):
            raise Refused(Reason.UNKNOWN_ISSUER, "00")
        self.distrusted.append((sha256, by))
        return self.ended

    def test_the_list_tells_what_distrust_needs(self) -> None:
        (line,) = self.items("ca list", READER)
        assert isinstance(line, dict)
        self.assertEqual((line["kind"], line["sha256"], line["replaced_at"]), ("authority", SHA256, None))

    def test_distrust_takes_a_fingerprint_in_every_form(self) -> None:
        for word in (SHA256, SHA256.lower(), SHA256.replace(":", "")):
            (line,) = self.items(f"ca distrust {word}")
            self.assertEqual(line, f"{SHA256} is distrusted; 3 sessions ended")
        self.assertEqual(set(self.distrusted), {(bytes.fromhex(SHA256.replace(":", "")), "psk:default")})

    def test_one_session_is_no_sessions(self) -> None:
        self.ended = 1
        self.assertEqual(self.items(f"ca distrust {SHA256}"), [f"{SHA256} is distrusted; 1 session ended"])

    def test_only_an_admin_may(self) -> None:
        with self.assertRaises(MissingRight):
            self.interpreter.prepare(f"ca distrust {SHA256}", READER, "192.0.2.1")
        self.assertEqual(self.distrusted, [])

    def test_what_is_no_fingerprint_is_refused_before_anything_is_done(self) -> None:
        for word in ("5F:0A", "x" * 64, SHA256 + ":00"):
            self.assertRaises(Malformed, self.interpreter.prepare, f"ca distrust {word}", ADMIN, "192.0.2.1")

    def test_one_that_is_unknown_is_an_error(self) -> None:
        prepared = self.interpreter.prepare(f"ca distrust {'00' * 32}", ADMIN, "192.0.2.1")
        self.failureResultOf(Deferred.fromCoroutine(prepared.run()), Refused)
