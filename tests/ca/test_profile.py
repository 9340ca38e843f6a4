"""The profile: what of a request is approved, what is refused, and that nothing else can be approved."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkid.ca.keys import KeyType, key_bytes
from pkid.ca.names import Names, TrustDomain
from pkid.ca.profile import Approved, Profile, Purpose
from pkid.ca.request import read_request
from pkid.errors import Malformed, PkidError, Reason, Refused
from tests.ca import der
from tests.certificates import csr_pem, private_key, profile, root
from tests.support import Case

DB = "spiffe://pkid.internal/db"


class ProfileCase(Case):
    def approve(self, body: bytes | None = None, rules: Profile | None = None, **asked: Any) -> Approved:
        return (rules or profile()).check(read_request(body or csr_pem(**asked)))

    def reason(self, body: bytes | None = None, rules: Profile | None = None, **asked: Any) -> Reason:
        """Return why a request is refused; the message is one line."""
        with self.assertRaises((Refused, Malformed)) as caught:
            self.approve(body, rules, **asked)
        error: PkidError = caught.exception
        self.assertTrue(str(error).isprintable(), str(error))
        return error.reason


class ApprovalTests(ProfileCase):
    def test_names_are_made_anew_from_what_was_checked(self) -> None:
        approved = self.approve(dns=["DB.Example", "*.db.example", "db.example"], ip=["192.0.2.1", "::1"], uri=[DB])
        expected = Names(("db.example", "*.db.example"), (ip_address("192.0.2.1"), ip_address("::1")), (DB,))
        self.assertEqual(approved.names, expected)

    def test_carries_what_the_issuer_and_the_ledger_need(self) -> None:
        body = csr_pem(dns=["db.example"])
        approved = self.approve(body, profile(lifetime=timedelta(minutes=7)))
        self.assertIs(approved.purpose, Purpose.COMPONENT)
        self.assertEqual(approved.lifetime, timedelta(minutes=7))
        self.assertEqual(approved.key_info, key_bytes(private_key().public_key()))
        self.assertEqual(approved.csr_sha256, read_request(body).sha256)

    def test_without_other_names_the_common_name_is_the_host(self) -> None:
        approved = self.approve(common_name="Worker.Example")
        self.assertEqual(approved.names, Names(("worker.example",)))
        self.assertEqual(approved.common_name, "Worker.Example")
        empty = der.request_pem(extensions=[der.alternative_names()])
        self.assertEqual(self.approve(empty).names, Names(("worker.example",)))

    def test_with_other_names_the_common_name_is_none_of_them(self) -> None:
        approved = self.approve(common_name="worker.example", dns=["db.example"])
        self.assertEqual(approved.names, Names(("db.example",)))

    def test_an_identity_alone_is_enough(self) -> None:
        self.assertEqual(self.approve(common_name=None, uri=[DB]).names, Names(uri=(DB,)))

    def test_the_same_identity_twice_is_one(self) -> None:
        self.assertEqual(self.approve(uri=[DB, DB]).names, Names(uri=(DB,)))

    def test_the_most_names_that_are_allowed(self) -> None:
        self.assertEqual(len(self.approve(dns=[f"n{number}.b" for number in range(256)]).names), 256)
        self.assertEqual(self.reason(dns=[f"n{number}.b" for number in range(257)]), Reason.TOO_MANY_NAMES)
        self.assertEqual(self.reason(dns=["same.b"] * 257), Reason.TOO_MANY_NAMES)
        self.assertEqual(self.reason(rules=profile(most_names=1), dns=["a.b"], ip=["::1"]), Reason.TOO_MANY_NAMES)


class LedgerNameTests(ProfileCase):
    def name(self, **asked: Any) -> tuple[str, bool]:
        approved = self.approve(**asked)
        return approved.name, approved.proven

    def test_is_the_identity_if_there_is_one(self) -> None:
        self.assertEqual(self.name(common_name="other", uri=[DB]), ("db", True))

    def test_else_what_comes_first_of_common_name_host_and_address(self) -> None:
        self.assertEqual(self.name(common_name="Fix Worker", dns=["a.b"]), ("Fix Worker", False))
        self.assertEqual(self.name(common_name=None, ip=["::1"], dns=["a.b"]), ("a.b", False))
        self.assertEqual(self.name(common_name=None, ip=["::1", "192.0.2.1"]), ("::1", False))


class RefusalTests(ProfileCase):
    def test_who_wants_to_be_an_authority(self) -> None:
        constraints = x509.BasicConstraints(True, None)
        self.assertEqual(self.reason(dns=["a.b"], extensions=[constraints]), Reason.WANTS_CA)

    def test_the_authoritys_own_key(self) -> None:
        for kind in (KeyType.P256, KeyType.RSA2048, KeyType.ED25519):
            rules = profile(issuer_key=root(kind).key.public_key())
            self.assertEqual(self.reason(csr_pem(root(kind).key), rules), Reason.ISSUER_KEY)

    def test_nobody(self) -> None:
        self.assertEqual(self.reason(common_name=None), Reason.NO_NAME)

    def test_a_common_name_that_is_no_host_alone(self) -> None:
        for name in ("Fix Worker", "192.0.2.1", "*.b", "a..b", "bücher.example", "\u212aubernetes.example"):
            self.assertEqual(self.reason(common_name=name), Reason.NO_NAME, name)

    def test_common_names_with_tricks_even_beside_good_names(self) -> None:
        for name in ("a\nb", "a\x00b", " a", "a\x1b[31m", "é" * 33):
            body = der.request_pem(
                subject=der.common_name(name.encode()), extensions=[der.alternative_names(der.tlv(der.DNS, b"a.b"))]
            )
            self.assertEqual(self.reason(body), Reason.BAD_NAME, name)
            self.flushWarnings()  # the library's, about the length

    def test_an_empty_common_name(self) -> None:
        body = der.request_pem(subject=der.common_name(b""))
        self.assertEqual(self.reason(body), Reason.BAD_NAME)
        self.flushWarnings()

    def test_several_common_names(self) -> None:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("a.b", "a.b")])
        self.assertEqual(self.reason(subject=subject), Reason.BAD_REQUEST)

    def test_host_names_with_tricks(self) -> None:
        for name in (
            b"", b"*", b"*.b", b"a.*.b", b"f*.a.b", b"a.b\0.c", b"a.b\n", b"a b", b".a.b", b"a.b.", b"192.0.2.1",
            b"a/b", b"-a.b", b"a@b.c",
        ):  # fmt: skip
            body = der.request_pem(extensions=[der.alternative_names(der.tlv(der.DNS, name))])
            self.assertEqual(self.reason(body), Reason.BAD_NAME, name)

    def test_networks(self) -> None:
        for network in (
            bytes([10, 0, 0, 0, 255, 0, 0, 0]),
            bytes([10, 0, 0, 1, 255, 255, 255, 255]),
            bytes(8),
            bytes.fromhex("20010db8") + bytes(12) + b"\xff" * 8 + bytes(8),
            bytes(15) + b"\x01" + b"\xff" * 16,
        ):
            body = der.request_pem(extensions=[der.alternative_names(der.tlv(der.IP, network))])
            self.assertEqual(self.reason(body), Reason.BAD_NAME, network)

    def test_addresses_of_nobody_in_particular(self) -> None:
        for address in ("0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"):
            self.assertEqual(self.reason(ip=[address]), Reason.BAD_NAME, address)

    def test_names_of_other_kinds(self) -> None:
        for name in (
            x509.RFC822Name("a@b.c"),
            x509.DirectoryName(x509.Name([])),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), der.tlv(der.UTF8, b"admin@b")),
        ):
            self.assertEqual(self.reason(dns=["a.b"], other=[name]), Reason.BAD_NAME)

    def test_identities_that_are_not_for_components_here(self) -> None:
        for uri in (
            "spiffe://other.example/db", "spiffe://pkid.internal/pkid/core", "spiffe://pkid.internal", "spiffe://",
            "spiffe://pkid.internal/../x", "https://pkid.internal/db", "spiffe://pkid.internal/a b", "db",
        ):  # fmt: skip
            self.assertEqual(self.reason(uri=[uri]), Reason.BAD_IDENTITY, uri)

    def test_two_identities(self) -> None:
        self.assertEqual(self.reason(uri=[DB, "spiffe://pkid.internal/web"]), Reason.BAD_IDENTITY)

    def test_identities_follow_the_trust_domain(self) -> None:
        rules = profile(trust_domain=TrustDomain("other.example"))
        self.assertEqual(self.approve(rules=rules, uri=["spiffe://other.example/db"]).name, "db")
        self.assertEqual(self.reason(rules=rules, uri=[DB]), Reason.BAD_IDENTITY)


class ForbiddenTests(ProfileCase):
    rules = profile(forbidden=Names(("core.example", "localhost"), (ip_address("192.0.2.1"), ip_address("::1"))))

    def test_others_are_allowed(self) -> None:
        self.approve(rules=self.rules, dns=["db.example", "core.example.org", "*.core.example"], ip=["192.0.2.2"])

    def test_the_cores_names_are_not(self) -> None:
        for asked in (
            {"dns": ["core.example"]},
            {"dns": ["db.example", "CORE.example"]},
            {"dns": ["localhost"]},
            {"ip": ["192.0.2.1"]},
            {"ip": ["192.0.2.9", "::1"]},
            {"common_name": "core.example"},
        ):
            self.assertEqual(self.reason(rules=self.rules, **asked), Reason.NOT_ALLOWED, asked)

    def test_a_wildcard_over_one_of_them_is_not(self) -> None:
        rules = profile(forbidden=Names(("a.core.example",)))
        self.assertEqual(self.reason(rules=rules, dns=["*.core.example"]), Reason.NOT_ALLOWED)
        self.approve(rules=rules, dns=["*.b.core.example", "b.core.example"])

    def test_a_common_name_beside_other_names_is_not(self) -> None:
        for name in ("core.example", "Core.Example", "localhost"):
            asked: dict[str, Any] = {"common_name": name, "ip": ["192.0.2.2"]}
            self.assertEqual(self.reason(rules=self.rules, **asked), Reason.NOT_ALLOWED, name)

    def test_nor_are_the_ways_to_say_loopback(self) -> None:
        for name in ("localhost", "foo.localhost", "localhost.localdomain", "ip6-localhost", "*.localhost.localdomain"):
            self.assertEqual(self.reason(rules=self.rules, dns=[name]), Reason.NOT_ALLOWED, name)
        for address in ("127.0.0.2", "::1", "::127.0.0.1", "::192.0.2.1"):
            self.assertEqual(self.reason(rules=self.rules, common_name=None, ip=[address]), Reason.NOT_ALLOWED, address)

    def test_a_wildcard_of_the_core_is_kept_from_others_as_well(self) -> None:
        rules = profile(forbidden=Names(("*.core.example",)))
        self.assertEqual(self.reason(rules=rules, dns=["a.core.example"]), Reason.NOT_ALLOWED)
        self.approve(rules=rules, dns=["a.b.core.example", "core.example"])

    def test_a_common_name_is_refused_however_old_clients_read_it(self) -> None:
        for name in (
            "127.0.0.1", "localhost.", "192.0.2.1", "::1", "[::1]", "::ffff:192.0.2.1", "core.example.", "CORE.EXAMPLE",
            "*.example", "c*.example", "*", "l*", "127.1", "2130706433", "0177.0.0.1", "0x7f000001",
        ):  # fmt: skip
            reason = self.reason(rules=self.rules, common_name=name, uri=["spiffe://pkid.internal/db"])
            self.assertEqual(reason, Reason.NOT_ALLOWED, name)
        self.approve(rules=self.rules, common_name="worker 1", uri=["spiffe://pkid.internal/db"])


class OwnTests(ProfileCase):
    def test_nobody_else_is_called_as_the_core_is(self) -> None:
        self.assertEqual(self.reason(common_name="pkid/core", dns=["db.example"]), Reason.BAD_NAME)

    def test_the_cores_own_has_its_identity_and_may_have_forbidden_names(self) -> None:
        rules = profile(forbidden=Names(("core.example",)))
        approved = rules.approve_core(private_key().public_key(), Names(("core.example",), uri=("other",)))
        self.assertIs(approved.purpose, Purpose.CORE)
        self.assertEqual(approved.names, Names(("core.example",), uri=("spiffe://pkid.internal/pkid/core",)))
        self.assertEqual((approved.name, approved.proven, approved.common_name), ("pkid/core", True, "pkid"))
        self.assertIsNone(approved.csr_sha256)

    def test_a_self_test_is_short_and_for_a_name_that_cannot_exist(self) -> None:
        approved = profile().approve_self_test(private_key().public_key())
        self.assertIs(approved.purpose, Purpose.SELF_TEST)
        self.assertEqual(approved.names, Names(("self-test.invalid",)))
        self.assertEqual(approved.lifetime, timedelta(minutes=5))
        self.assertFalse(approved.proven)


class SealTests(ProfileCase):
    """What Python can hold: neither a call nor an assignment makes or alters an approved content.

    Who reaches for ``object.__setattr__``, ``__setstate__`` or the module's private seal gets around it, as around
    everything in Python; that cannot happen by mistake.
    """

    def test_cannot_be_made(self) -> None:
        key_info = key_bytes(private_key().public_key())
        for seal in (None, True, object()):
            with self.assertRaises(TypeError):
                Approved(seal, Purpose.CORE, key_info, Names(("a.b",)), timedelta(1), name="a")

    def test_cannot_be_altered(self) -> None:
        approved = self.approve()
        for field in dataclasses.fields(approved):
            with self.assertRaises(AttributeError, msg=field.name):
                setattr(approved, field.name, getattr(approved, field.name))
            with self.assertRaises(AttributeError, msg=field.name):
                delattr(approved, field.name)
        with self.assertRaises((AttributeError, TypeError)):
            approved.more = 1  # type: ignore[attr-defined]

    def test_cannot_be_replaced_in_part(self) -> None:
        approved = self.approve()
        replacements = [dataclasses.replace, *([copy.replace] if hasattr(copy, "replace") else [])]
        for replace in replacements:
            with self.assertRaises((TypeError, ValueError)):
                replace(approved, names=Names(("evil.example",)))
            with self.assertRaises((TypeError, ValueError)):
                replace(approved, seal=object(), names=Names(("evil.example",)))

    def test_a_copy_holds_the_same_and_a_pickle_does_not_exist(self) -> None:
        approved = self.approve()
        self.assertEqual(copy.copy(approved).names, approved.names)
        with self.assertRaises(TypeError):
            pickle.dumps(approved)
