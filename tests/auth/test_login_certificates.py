"""Logins by certificates of the authority's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pkid.auth.component_keyring import SharedSecret
from pkid.auth.proofs import CertificateProof
from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import Channel
from pkid.auth.unbound import Certificates
from pkid.ca.ledger import Entry
from pkid.ca.patterns import ComponentPattern
from pkid.ca.policy import Policy, Rules
from pkid.ca.request import read_request
from tests.auth.login_case import GREETING, LoginCase
from tests.auth.logins import outcome
from tests.certificates import NOON, PSK, SERIAL, csr_pem, profile, root
from tests.store.entries import entry

IDENTITY = "spiffe://pkid.internal/superuser"
ONLY_SUPERUSER = Policy(components=Rules((ComponentPattern("superuser"),)))


class CertificateLoginTests(LoginCase):
    def setUp(self) -> None:
        super().setUp()
        self.psks.exchange([PSK])

    def show(self, uri: Iterable[str] = (IDENTITY,), dns: Iterable[str] = (), common_name: str | None = None) -> Entry:
        """Have the authority sign a certificate and show it in the handshake; return its entry of the ledger."""
        approved = profile().check(read_request(csr_pem(common_name=common_name, dns=dns, uri=uri)))
        self.certificate = root().sign(approved, NOON, SERIAL).public_bytes(Encoding.DER)
        fields = {"sha256": sha256(self.certificate).digest(), "certificate": self.certificate}
        recorded = entry(SERIAL, name=approved.name, proven=approved.proven, **fields)
        self.record(recorded)
        return recorded

    def record(self, recorded: Entry) -> None:
        self.ledger = {recorded.sha256: recorded}

    def is_admitted(self, name: str = "superuser", channel: Channel = GREETING.channel) -> bool:
        login = self.login(replace(GREETING, channel=channel), ("certificate", Certificates()))
        try:
            admission = self.admitted(login, CertificateProof(), name)
        except AssertionError:
            raise
        except Exception:
            return False
        self.assertEqual((admission.component, admission.credential), (name, f"certificate:{SERIAL:x}"))
        return True

    def test_the_identity_proves_the_name_until_the_certificate_ends(self) -> None:
        recorded = self.show()
        login = self.login(GREETING, ("certificate", Certificates()))
        self.assertEqual(outcome(login.offer("superuser")), (Scheme.CERTIFICATE.value,))
        admission = self.admitted(login, CertificateProof(), "superuser")
        self.assertEqual((admission.expires, admission.origin), (recorded.not_after, PSK.credential))

    def test_a_certificate_that_merely_names_a_component_proves_nothing(self) -> None:
        """Neither as its common name, nor as a DNS name, nor as an identity elsewhere, nor beside its identity."""
        for names in (
            {"uri": (), "dns": ["superuser"], "common_name": "superuser"},
            {"uri": ["spiffe://pkid.internal/mallory"], "dns": ["superuser"], "common_name": "superuser"},
        ):
            self.show(**names)  # type: ignore[arg-type]
            login = self.login(GREETING, ("certificate", Certificates()))
            self.assertEqual(outcome(login.offer("superuser")), ())
            self.assertFalse(self.is_admitted())

    def test_what_another_authority_signed_proves_nothing(self) -> None:
        self.show()
        self.ours = False
        self.assertFalse(self.is_admitted())

    def test_what_another_authority_signed_by_the_time_that_the_ledger_answers_proves_nothing(self) -> None:
        """Its CA was distrusted meanwhile."""
        recorded = self.show()

        class Distrusting(dict[bytes, Entry]):
            def get(ledger, *key: Any) -> Entry:
                self.ours = False
                return recorded

        self.ledger = Distrusting()
        self.assertFalse(self.is_admitted())

    def test_it_is_for_one_name(self) -> None:
        self.show()
        self.assertFalse(self.is_admitted("alice"))
        self.assertFalse(self.is_admitted("superuser.org"))

    def test_the_ledger_decides(self) -> None:
        recorded = self.show()
        for other in (
            replace(recorded, not_after=NOON),
            replace(recorded, not_before=NOON + timedelta(seconds=1)),
            replace(recorded, profile="core"),
            replace(recorded, proven=False),
            replace(recorded, name="mallory"),
            replace(recorded, origin="psk:gone"),
            replace(recorded, origin=None),
            replace(recorded, sha256=b"another"),
        ):
            self.record(other)
            self.assertFalse(self.is_admitted(), other)
        self.record(recorded)
        self.assertTrue(self.is_admitted())

    def test_a_name_with_rights_or_a_credential_must_be_listed_by_the_key_that_got_the_certificate(self) -> None:
        self.show()
        listing = PreSharedKey(PSK.name, PSK.secret, Terms(policy=ONLY_SUPERUSER))
        self.privileged.add("superuser")
        self.assertFalse(self.is_admitted())
        self.psks.exchange([listing])
        self.assertTrue(self.is_admitted())
        self.privileged.clear()
        self.add("superuser", SharedSecret("hush hush"))
        self.assertTrue(self.is_admitted())
        self.psks.exchange([PSK])
        self.assertFalse(self.is_admitted())

    def test_it_is_offered_beside_the_names_own_credential(self) -> None:
        self.show()
        self.add("superuser", SharedSecret("hush hush"))
        login = self.login(replace(GREETING, accepted=tuple(Scheme)), ("certificate", Certificates()))
        self.assertEqual(outcome(login.offer("superuser")), (Scheme.PLAIN_SECRET.value, Scheme.CERTIFICATE.value))

    def test_without_a_certificate_or_where_the_door_does_not_take_it_it_is_refused(self) -> None:
        self.assertFalse(self.is_admitted())
        self.show()
        login = self.login(replace(GREETING, accepted=(Scheme.ED25519,)), ("certificate", Certificates()))
        self.assertEqual(outcome(login.offer("superuser")), ())
        self.refused(login, CertificateProof(), "superuser")
        self.refused(self.login(), CertificateProof(), "superuser")

    def test_what_is_no_certificate_is_refused(self) -> None:
        self.certificate = b"no certificate"
        self.assertFalse(self.is_admitted())
