"""What the door leaves in the audit trail: one line for each decision."""

from __future__ import annotations

from pkid.errors import Reason, Unavailable
from tests.audited import audited
from tests.certificates import csr_pem
from tests.support import Case
from tests.web.memory import Door, bearer, request

PEER = "192.0.2.1"


class AuditTests(Case):
    def setUp(self) -> None:
        self.door = Door()

    def trail(self, method: str, path: str, body: bytes = b"", **headers: bytes) -> list[dict[str, object]]:
        """Return what the trail says after a request: action, result, credential, and the reason if there is one."""
        with audited() as trail:
            connection = self.door.connect(PEER)
            connection.send(request(method, path, body, **headers))
            self.assertEqual(len(connection.statuses), 1)
        self.assertEqual({fields["peer"] for fields in trail.fields}, {PEER} if trail.fields else set())
        return [{name: value for name, value in fields.items() if name != "peer"} for fields in trail.fields]

    def test_a_certificate_that_was_signed(self) -> None:
        (line,) = self.trail("POST", "/ca/sign", csr_pem(common_name="web.example"), Authorization=bearer())
        self.assertEqual((line["action"], line["result"], line["credential"]), ("sign", "allowed", "psk:default"))
        (entry,) = self.door.store.entries
        self.assertEqual((line["serial"], line["name"]), (f"{entry.serial:x}", "web.example"))

    def test_a_request_that_is_not_signed(self) -> None:
        (line,) = self.trail("POST", "/ca/sign", b"no request", Authorization=bearer())
        self.assertEqual((line["action"], line["result"], line["reason"]), ("sign", "denied", "not-pem"))

    def test_a_core_that_cannot_sign(self) -> None:
        self.door.store.fail_next(Unavailable(Reason.STORE))
        (line,) = self.trail("POST", "/ca/sign", csr_pem(common_name="web.example"), Authorization=bearer())
        self.assertEqual((line["result"], line["reason"]), ("denied", "store"))

    def test_strangers(self) -> None:
        expected = {"action": "login", "result": "denied", "credential": "-", "reason": "unauthorized"}
        for path in ("/ca/sign", "/cli/execute", "/nothing"):
            self.assertEqual(self.trail("POST", path), [expected | {"path": path}])

    def test_a_member_without_the_right(self) -> None:
        reader = bearer(email="a@example.com", roles="readonly")
        expected = {"action": "request", "result": "denied", "credential": "psk:default", "reason": "missing-right"}
        self.assertEqual(
            self.trail("POST", "/ca/sign", Authorization=reader), [expected | {"right": "issue", "path": "/ca/sign"}]
        )

    def command(self, text: bytes, authorization: bytes) -> list[dict[str, object]]:
        headers = {"Authorization": authorization, "Content-Type": b"text/plain"}
        return self.trail("POST", "/cli/execute", text, **headers)

    def test_commands(self) -> None:
        (line,) = self.command(b"help | count; system info", bearer())
        self.assertEqual(
            line,
            {
                "action": "command",
                "result": "allowed",
                "credential": "psk:default",
                "command": "help | count; system info",
            },
        )

    def test_a_command_that_makes_a_certificate_tells_of_both(self) -> None:
        signed, ran = self.command(b"certificate create --common-name web.example", bearer())
        self.assertEqual((signed["action"], signed["name"]), ("sign", "web.example"))
        self.assertEqual((ran["action"], ran["command"]), ("command", "certificate create"))

    def test_commands_that_are_not_understood_or_not_allowed(self) -> None:
        (line,) = self.command(b"nonsense", bearer())
        self.assertEqual((line["result"], line["reason"]), ("denied", "CLIParseError"))
        (line,) = self.command(
            b"certificate create --common-name web.example", bearer(email="a@example.com", roles="readonly")
        )
        self.assertEqual((line["result"], line["reason"], line["right"]), ("denied", "missing-right", "admin"))

    def test_what_is_open_decides_nothing(self) -> None:
        for path in ("/ca/cert", "/system/ping", "/system/ready"):
            self.assertEqual(self.trail("GET", path), [])
