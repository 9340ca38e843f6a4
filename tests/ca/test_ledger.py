"""The ledger's entry."""

from __future__ import annotations

from tests.store.entries import entry
from tests.support import Case


class EntryTests(Case):
    def test_a_retry_has_request_and_credential_in_common(self) -> None:
        self.assertEqual(entry(csr_sha256=b"1", credential="psk:a").request_key, (b"1", "psk:a"))

    def test_without_a_request_there_is_no_retry(self) -> None:
        self.assertIsNone(entry(csr_sha256=None).request_key)
