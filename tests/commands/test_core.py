"""What the commands tell about the core."""

from __future__ import annotations

import pkid
from pkid.ca.trust import fingerprint
from tests.commands.case import READER, CommandCase
from tests.web.memory import CA_DER


class CoreTests(CommandCase):
    def test_the_authority(self) -> None:
        (data,) = self.items("ca show", READER)
        assert isinstance(data, dict)
        self.assertEqual(data["sha256_fingerprint"], fingerprint(CA_DER))
        self.assertEqual((data["not_before"], data["not_after"]), ("2030-05-06T11:59:00Z", "2040-05-03T11:59:00Z"))
        self.assertEqual(data["serial"], "1234567890abcdef1234567890abcdef12345678")
        self.assertEqual(data["subject"], "CN=pkid CA 1234567890abcdef,O=pkid")

    def test_the_system(self) -> None:
        (info,) = self.items("system info", READER)
        self.assertEqual(
            info,
            {
                "name": "pkid",
                "version": pkid.__version__,
                "trust_domain": "pkid.internal",
                "ledger_rows": 0,
                "ledger_bytes": 0,
            },
        )

    def test_the_greeting(self) -> None:
        (greeting,) = self.items("welcome", READER)
        self.assertIn("Type help", str(greeting))
