"""What a component asks for, and how it checks what it gets."""

from __future__ import annotations

from typing import Any

from pkid.ca.enrollment import Enrollment, Subject
from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.names import Names
from pkid.ca.request import read_request
from pkid.ca.trust import UnfitCertificate
from pkid.errors import Reason, Refused
from tests.certificates import NOON, SERIAL, private_key, profile, root
from tests.support import Case

NAMES: dict[str, Any] = {
    "dns_names": ["Web.Example", "web.example"],
    "ip_addresses": ["192.0.2.7"],
    "component": "web-1",
    "trust_domain": "pkid.internal",
}


class EnrollmentTests(Case):
    def refused(self, reason: Reason, *arguments: Any, **names: Any) -> None:
        with self.assertRaises(Refused) as caught:
            Enrollment.of(private_key(), *arguments, **names)
        self.assertIs(caught.exception.reason, reason)

    def test_the_core_reads_the_request_as_it_was_meant(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.RSA2048, KeyType.ED25519):
            enrollment = Enrollment.of(private_key(kind), "web 1", **NAMES)
            approved = profile().check(read_request(enrollment.request()))
            self.assertEqual(approved.key_info, key_bytes(private_key(kind).public_key()))
            self.assertEqual((approved.common_name, approved.names), ("web 1", enrollment.names))
            self.assertEqual((approved.name, approved.proven), ("web-1", True))

    def test_names_are_written_as_the_core_writes_them_and_once(self) -> None:
        names = Enrollment.of(private_key(), "web", **NAMES).names
        self.assertEqual(names.dns, ("web.example",))
        self.assertEqual(names.uri, ("spiffe://pkid.internal/web-1",))

    def test_a_host_name_alone_becomes_a_dns_name(self) -> None:
        self.assertEqual(Enrollment.of(private_key(), "Web.Example").names, Names(dns=("web.example",)))
        self.assertEqual(Enrollment.of(private_key(), "web.example", ["db.example"]).names, Names(dns=("db.example",)))

    def test_what_no_core_would_sign_is_refused_before_it_is_sent(self) -> None:
        self.refused(Reason.NO_NAME, "web 1")
        self.refused(Reason.BAD_NAME, "web", ["a b"])
        self.refused(Reason.BAD_NAME, "web", [], ["192.0.2.0/24"])
        self.refused(Reason.BAD_NAME, "web\n", ["web.example"])
        self.refused(Reason.BAD_IDENTITY, "web", component="a/b")
        self.refused(Reason.BAD_NAME, "web", component="a", trust_domain="a/b")

    def test_checks_the_certificate_against_its_own_key_and_names(self) -> None:
        enrollment = Enrollment.of(private_key(), "web", **NAMES)
        other_key = Enrollment.of(private_key(owner="other"), "web", **NAMES)
        other_name = Enrollment.of(private_key(), "web", ["db.example"])
        certificate = root().sign(profile().check(read_request(enrollment.request())), NOON, SERIAL)
        enrollment.check(certificate, root().certificate, NOON)
        stranger = make_root(private_key(owner="stranger"), NOON, SERIAL).certificate
        self.assertRaises(UnfitCertificate, enrollment.check, certificate, stranger, NOON)
        for other in (other_key, other_name):
            self.assertRaises(UnfitCertificate, other.check, certificate, root().certificate, NOON)

    def test_shows_no_key(self) -> None:
        self.assertNotIn("key", repr(Enrollment.of(private_key(), "web.example")))

    def test_a_subject_serves_for_many_keys(self) -> None:
        subject = Subject.of("web", **NAMES)
        for owner in ("one", "other"):
            enrollment = subject.enroll(private_key(owner=owner))
            self.assertEqual(enrollment, Enrollment.of(private_key(owner=owner), "web", **NAMES))
