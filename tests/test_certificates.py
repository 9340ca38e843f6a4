"""Which CA issues and which certificate the doors show, in every combination, and what follows when one is replaced."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher

from pkid import certificates
from pkid.ca.authority import Authority
from pkid.ca.chain import is_issued_by
from pkid.ca.issuer import Issuer
from pkid.ca.names import Names, TrustDomain
from pkid.ca.pem import write_certificates, write_key
from pkid.ca.profile import Profile
from pkid.certificates import CoreCertificates
from pkid.errors import StateError
from pkid.host import HostCertificate
from pkid.lineage import Lineage
from pkid.settings.certificates import PairFiles
from pkid.settings.resolution import Settings, resolve
from pkid.startup import check_ledger, open_trust_domain
from pkid.state import KeyPair, StateDirectory
from pkid.store.memory import MemoryStore
from pkid.tls import LiveContext
from tests.certificates import NOON, authority, private_key
from tests.lineages import MemoryIssuers
from tests.support import Case

HERE = Names(dns=("localhost", "here.example"))
YEAR = timedelta(days=365)


class Shown(LiveContext):
    """Remembers which certificate was put there last."""

    certificate: x509.Certificate
    asked_for: list[x509.Name]

    def swap(self, context: SSL.Context) -> None:
        super().swap(context)
        self.asked_for = client_authorities(context)
        shown = SSL.Connection(context).get_certificate()
        assert shown is not None
        self.certificate = shown.to_cryptography()


def client_authorities(context: SSL.Context) -> list[x509.Name]:
    """Return the names of the CAs of which a context asks for certificates."""
    listed = SSL.Connection(context).get_client_ca_list()
    return [x509.Name.from_bytes(each.der()) for each in listed]


class CertificatesCase(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir()
        self.path = self.directory / "state"
        self.patch(certificates, "discover", lambda *_: HERE)
        self.clock = Clock()
        self.shift = timedelta(0)
        self.serials = count(2**130)
        self.opened: list[StateDirectory] = []
        self.addCleanup(self.close)
        self.store = MemoryStore()
        self.issuers = MemoryIssuers()
        self.observer = EventLoggingObserver()
        globalLogPublisher.addObserver(self.observer)
        self.addCleanup(globalLogPublisher.removeObserver, self.observer)
        self.own = authority("CN=own below", authority("CN=own above"))
        self.public = authority("CN=public")

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds()) + self.shift

    def put_pair(self, name: str, key: Any, *chain: x509.Certificate) -> None:
        (self.directory / f"{name}.crt").write_bytes(write_certificates(chain))
        (self.directory / f"{name}.key").write_bytes(write_key(key))
        (self.directory / f"{name}.key").chmod(0o600)

    def put_ca(self, issuer: Issuer) -> dict[str, str]:
        """Write a CA to files; return the flags for them."""
        self.put_pair("ca", issuer.key, *issuer.chain)
        return {"ca-cert": str(self.directory / "ca.crt"), "ca-cert-key": str(self.directory / "ca.key")}

    def put_host(self, issuer: Issuer, *dns: str, name: str = "host") -> dict[str, str]:
        """Write a host's certificate and its issuers to files; return the flags for them."""
        rules = Profile(TrustDomain("example.org"), YEAR, issuer.key.public_key())
        approved = rules.approve_core(private_key(owner="host").public_key(), Names(dns or HERE.dns))
        self.put_pair(name, private_key(owner="host"), issuer.sign(approved, NOON, next(self.serials)), *issuer.chain)
        return {"cert": str(self.directory / f"{name}.crt"), "cert-key": str(self.directory / f"{name}.key")}

    def start(self, *flags: dict[str, str], **environ: str) -> CoreCertificates:
        """Start as the daemon does."""
        given = {name: value for each in flags for name, value in each.items()}
        settings = resolve({"state": str(self.path), **given}, environ, Path.read_bytes, self.directory)
        self.state = state = StateDirectory(settings.state)
        self.opened.append(state)
        trust_domain = open_trust_domain(state, None)
        self.live, self.rembus = Shown(), Shown()
        kept = CoreCertificates(settings, state, self.live, offload=execute, clock=self.clock, now=self.now)
        issuer = kept.open_issuer()
        check_ledger(state)
        state.ledger.write_bytes(b"ledger")
        profile = Profile(trust_domain, YEAR, issuer.key.public_key())
        self.lineage = Lineage(self.issuers, self.now)
        kept.enter(issuer, self.lineage)
        former = self.lineage.issuers.former
        self.authority = Authority(issuer, profile, self.now, lambda: next(self.serials), former)
        kept.open_host(self.authority, self.store)
        kept.open_keystore(self.rembus)
        kept.startService()
        self.addCleanup(kept.stopService)
        return kept

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def restart(self, *flags: dict[str, str]) -> CoreCertificates:
        """Start, with what an earlier start left."""
        self.close()
        return self.start(*flags)

    def refused(self, *words: str, flags: tuple[dict[str, str], ...] = ()) -> None:
        error = self.assertRaises(StateError, self.start, *flags)
        self.close()
        for word in words:
            self.assertIn(word, str(error))

    def anchor(self) -> x509.Certificate:
        """Return what is in ``STATE/ca.crt``, which must be what /ca/cert has."""
        found = x509.load_pem_x509_certificate((self.path / "ca.crt").read_bytes())
        self.assertEqual(found, self.authority.issuer.anchor)
        return found

    def lines(self, *words: str) -> int:
        return sum(all(word in formatEvent(event) for word in words) for event in self.observer)

    def minute(self) -> None:
        self.clock.advance(60)


class KeystoreTests(CertificatesCase):
    """The certificate of the Rembus doors alone, where Rembus's broker has it."""

    def test_it_is_theirs_alone_and_followed(self) -> None:
        self.put_host(self.public, name="rembus")
        kept = self.start(REMBUS_KEYSTORE=str(self.directory))
        first = self.rembus.certificate
        self.assertTrue(is_issued_by(first, self.public.certificate))
        self.assertTrue(is_issued_by(self.live.certificate, self.authority.issuer.certificate))
        self.put_host(self.own, name="rembus")
        self.successResultOf(kept.check())
        self.assertTrue(is_issued_by(self.rembus.certificate, self.own.certificate))
        (self.directory / "rembus.crt").unlink()
        self.successResultOf(kept.check())
        self.assertTrue(is_issued_by(self.rembus.certificate, self.own.certificate))
        self.assertEqual(self.lines("the certificate in REMBUS_KEYSTORE was not replaced", "rembus.crt"), 1)

    def test_without_its_files_the_core_does_not_start(self) -> None:
        error = self.assertRaises(StateError, self.start, REMBUS_KEYSTORE=str(self.directory))
        self.assertIn("rembus.crt", str(error))

    def test_without_it_the_doors_show_what_the_others_show(self) -> None:
        self.start()
        self.assertFalse(hasattr(self.rembus, "certificate"))


class CombinationTests(CertificatesCase):
    def test_neither(self) -> None:
        self.start()
        self.assertEqual({"ca.pem", "ca.crt", "host.pem"} - {each.name for each in self.path.iterdir()}, set())
        self.assertTrue(is_issued_by(self.live.certificate, self.anchor()))

    def test_every_combination_shows_and_issues_with_what_it_was_given(self) -> None:
        ca, host = self.put_ca(self.own), self.put_host(self.public)
        certificate = x509.load_pem_x509_certificate((self.directory / "host.crt").read_bytes())
        trusted = {"ca-cert": ca["ca-cert"]}
        for number, (own_ca, own_host) in enumerate(itertools.product(({}, ca, trusted), ({}, host))):
            self.path = self.directory / f"state-{number}"
            self.start(own_ca, own_host)
            files = {each.name for each in self.path.iterdir()}
            issuing = own_ca is ca
            self.assertEqual(self.authority.issuer.certificate == self.own.certificate, issuing)
            self.assertEqual("ca.pem" in files, not issuing)
            self.assertEqual(self.anchor() == self.own.anchor, issuing)
            self.assertEqual(self.live.certificate == certificate, bool(own_host))
            self.assertEqual(("host.pem" in files, "host.crt" in files), (not own_host, bool(own_host)))
            self.assertEqual(is_issued_by(self.live.certificate, self.authority.issuer.certificate), not own_host)
            self.assertEqual(bool(self.lines("does not lead to the CA at /ca/cert")), bool(own_host))
            self.assertEqual(bool(self.lines("makes none yet")), own_ca is trusted)
            self.observer._events.clear()
            self.close()

    def test_one_file_may_hold_certificate_and_key(self) -> None:
        flags = self.put_host(self.public)
        both = self.directory / "both.pem"
        both.write_bytes((self.directory / "host.key").read_bytes() + (self.directory / "host.crt").read_bytes())
        self.start({"cert": str(both)})
        self.assertEqual(self.live.certificate.issuer, self.public.certificate.subject)
        self.restart(flags)

    def test_a_host_certificate_of_the_ca_itself_needs_no_warning(self) -> None:
        self.start(self.put_ca(self.own), self.put_host(self.own))
        self.assertEqual((self.lines("does not lead"), self.lines("is not for")), (0, 0))

    def test_a_host_certificate_for_other_names_is_told(self) -> None:
        self.start(self.put_host(self.public, "*.example", "core.example.org"))
        self.assertEqual(self.lines("is not for localhost; who calls"), 1)

    def test_a_key_that_everybody_can_read_is_told(self) -> None:
        flags = self.put_ca(self.own)
        (self.directory / "ca.key").chmod(0o644)
        self.start(flags)
        self.assertEqual(self.lines("ca.key may be read by everybody", "chmod"), 1)

    def test_what_cannot_be_used_stops_the_start(self) -> None:
        ca, host = self.put_ca(self.own), self.put_host(self.public)
        for name, flags in (("ca.crt", ca), ("host.key", host)):
            (self.directory / name).write_bytes(b"nothing")
            self.refused(str(self.directory / name), "holds no PEM", flags=(flags,))
        self.refused("holds no PEM certificate", flags=({"ca-cert": ca["ca-cert"]},))

    def test_the_core_s_names_are_kept_from_others_in_both_ways(self) -> None:
        for host in ({}, self.put_host(self.public, "core.example")):
            self.start(host, {"forbid-core-names": "true"})
            kept = set(self.authority.profile.forbidden.dns)
            self.assertEqual(kept, {*HERE.dns, *(["core.example"] if host else [])})
            self.close()


class ReconfigurationTests(CertificatesCase):
    def forbidden(self) -> set[str]:
        return set(self.authority.profile.forbidden.dns)

    def settings(self, kept: CoreCertificates, **changed: object) -> Settings:
        return replace(kept._settings, **changed)  # type: ignore[arg-type]

    def test_the_core_s_names_are_kept_from_others_or_not_from_then_on(self) -> None:
        for host in ({}, self.put_host(self.public, "core.example")):
            kept = self.start(host)
            for forbid in (True, False):
                kept.reconfigure(self.settings(kept, forbid_core_names=forbid))
                wanted = {*HERE.dns, *(["core.example"] if host else [])} if forbid else set()
                self.assertEqual(self.forbidden(), wanted)
            self.close()

    def test_the_host_s_names_are_looked_at_again_beside_an_own_certificate_too(self) -> None:
        kept = self.start(self.put_host(self.public), {"forbid-core-names": "true"})
        self.patch(certificates, "discover", lambda dns, ip: Names(dns=dns))
        kept.reconfigure(self.settings(kept, host_dns_names=("new.example",)))
        self.successResultOf(kept.check())
        self.assertEqual(self.forbidden(), {*HERE.dns, "new.example"})
        self.assertTrue(kept.is_own_name("new.example"))

    def test_which_ca_issues_is_as_it_was_at_the_start(self) -> None:
        kept = self.start()
        kept.reconfigure(self.settings(kept, ca=PairFiles(Path("/nowhere"), Path("/nowhere"))))
        self.successResultOf(kept.check())
        self.assertIsNone(kept._settings.ca.certificate)


class RestartTests(CertificatesCase):
    def test_to_an_own_ca_and_back(self) -> None:
        self.start()
        built_in, first = self.anchor(), self.live.certificate
        self.restart(self.put_ca(self.own))
        self.assertEqual(self.anchor(), self.own.anchor)
        self.assertTrue(is_issued_by(self.live.certificate, self.own.certificate))
        self.assertTrue(self.authority.recognises(first.public_bytes(Encoding.DER)))
        self.assertEqual(self.lines("it is another one than before", "/ca/cert again"), 1)
        self.restart()
        self.assertEqual(self.anchor(), built_in)
        self.assertTrue(is_issued_by(self.live.certificate, built_in))

    def test_whatever_issued_before_is_recognised_after_a_restart(self) -> None:
        self.start()
        built_in = self.leaf()
        self.restart(self.put_ca(self.own))
        own = self.leaf()
        self.put_ca(authority("CN=next"))
        self.minute()
        following = self.leaf()
        self.restart()
        for leaf in (built_in, own, following):
            self.assertTrue(self.authority.recognises(leaf))
        self.restart(self.put_ca(authority("CN=last")))
        for leaf in (built_in, own, following):
            self.assertTrue(self.authority.recognises(leaf))

    def test_a_distrusted_ca_is_neither_recognised_nor_put_to_use(self) -> None:
        self.start()
        leaf = self.leaf()
        kept = self.restart(self.put_ca(self.own))
        shown = self.live.certificate
        stored = self.lineage.issuers.known[1]
        self.assertTrue(self.authority.recognises(leaf))
        self.successResultOf(kept.distrust(stored.sha256, "psk:default"))
        self.assertFalse(self.authority.recognises(leaf))
        self.assertEqual(self.live.certificate, shown)
        self.assertNotIn(stored.certificate.subject, self.live.asked_for)
        self.restart(self.put_ca(self.own))
        self.assertFalse(self.authority.recognises(leaf))
        self.close()
        self.refused("ca.pem holds a CA whose key is distrusted since", "give another one by --ca-cert")
        self.assertEqual((self.path / "ca.crt").read_bytes(), write_certificates([self.own.anchor]))

    def test_a_distrusted_ca_does_not_come_back_while_the_core_runs(self) -> None:
        kept = self.start(self.put_ca(self.own))
        following = authority("CN=next")
        self.put_ca(following)
        self.minute()
        self.successResultOf(kept.distrust(self.lineage.issuers.known[1].sha256, "psk:default"))
        self.put_ca(self.own)
        self.minute()
        self.assertEqual(self.authority.issuer.certificate, following.certificate)
        self.assertEqual(self.lines("the CA of --ca-cert was not replaced", "ca.crt holds a CA whose key is"), 1)

    def leaf(self) -> bytes:
        """Return the certificate of the doors, which the CA signed that issues now."""
        return self.live.certificate.public_bytes(Encoding.DER)

    def test_without_the_flags_an_own_ca_is_missed(self) -> None:
        flags = self.put_ca(self.own)
        self.start(flags)
        self.close()
        self.refused("ca.pem is missing", "restore it from a backup", "give --ca-cert and --ca-cert-key")
        self.start(flags)
        self.assertFalse((self.path / "ca.pem").exists())

    def test_to_an_own_host_certificate_and_back(self) -> None:
        self.start()
        self.restart(self.put_host(self.public))
        self.assertTrue((self.path / "host.crt").exists())
        self.restart()
        self.assertFalse((self.path / "host.crt").exists())
        self.assertTrue(is_issued_by(self.live.certificate, self.anchor()))

    def test_a_lost_ledger_is_noticed_with_own_certificates_too(self) -> None:
        flags = (self.put_ca(self.own), self.put_host(self.public))
        self.start(*flags)
        self.close()
        self.state.ledger.unlink()
        self.refused("ledger.sqlite is missing", "there is host.crt", "remove host.crt", flags=flags)
        shutil.copy(self.path / "host.crt", self.path / "host.pem")
        self.refused("there is host.pem and host.crt", flags=flags)

    def test_a_lost_trust_domain_is_noticed_with_an_own_ca_too(self) -> None:
        flags = self.put_ca(self.own)
        self.start(flags)
        self.close()
        (self.path / "trust-domain").unlink()
        self.refused("trust-domain is missing", flags=(flags,))


class PassphraseTests(CertificatesCase):
    def test_the_stored_key_is_encrypted_from_the_first_start(self) -> None:
        self.start({"ca-cert-key-pass": "sesame"})
        self.assertIn(b"ENCRYPTED", (self.path / "ca.pem").read_bytes())
        first = self.anchor()
        self.restart({"ca-cert-key-pass": "sesame"})
        self.assertEqual(self.anchor(), first)
        self.close()
        self.refused("ca.pem holds an encrypted key", "--ca-cert-key-pass-file")
        self.refused("ca.pem cannot be decrypted", flags=({"ca-cert-key-pass": "other"},))

    def test_a_plain_key_with_a_passphrase_is_told(self) -> None:
        self.start()
        self.assertEqual(self.lines("is not encrypted"), 0)
        self.restart({"ca-cert-key-pass": "sesame"})
        self.assertEqual(self.lines("ca.pem is not encrypted", "pkid ca passphrase --state"), 1)
        self.assertNotIn(b"ENCRYPTED", (self.path / "ca.pem").read_bytes())

    def test_the_passphrase_of_an_own_ca_is_not_the_stored_one_s(self) -> None:
        self.start({"ca-cert-key-pass": "sesame"})
        self.restart(self.put_ca(self.own), {"ca-cert-key-pass": "other"})
        self.assertEqual(len(self.authority.chains), 2)


class ReplacementTests(CertificatesCase):
    def test_another_ca_takes_over_within_a_minute(self) -> None:
        self.start(self.put_ca(self.own))
        leaf = self.live.certificate
        following = authority("CN=next")
        self.put_ca(following)
        self.minute()
        self.assertEqual(self.authority.issuer.certificate, following.certificate)
        self.assertEqual(self.anchor(), following.certificate)
        self.assertTrue(is_issued_by(self.live.certificate, following.certificate))
        self.assertNotEqual(self.live.certificate, leaf)
        self.assertTrue(self.authority.recognises(leaf.public_bytes(Encoding.DER)))
        self.assertEqual(self.lines("the CA of --ca-cert was replaced"), 1)
        self.assertEqual(self.lines("another one than before"), 1)

    def test_another_ca_during_a_renewal_of_the_host_certificate(self) -> None:
        kept = self.start(self.put_ca(self.own))
        self.patch(certificates, "discover", lambda *_: Names(("other.example",)))
        self.store.hold()
        kept._host.check()
        following = authority("CN=next")
        self.put_ca(following)
        self.minute()
        self.store.release()
        self.store.release()
        self.assertTrue(is_issued_by(self.live.certificate, following.certificate))

    def test_a_half_written_ca_changes_nothing_and_is_tried_again(self) -> None:
        self.start(self.put_ca(self.own))
        leaf = self.live.certificate
        following = authority("CN=next")
        (self.directory / "ca.key").write_bytes(write_key(following.key))
        self.minute()
        self.assertEqual((self.authority.issuer.certificate, self.live.certificate), (self.own.certificate, leaf))
        self.assertEqual(self.lines("the CA of --ca-cert was not replaced", "does not belong to the key"), 1)
        self.put_ca(following)
        self.minute()
        self.assertEqual(self.authority.issuer.certificate, following.certificate)

    def test_another_host_certificate_is_shown_within_a_minute_or_at_once(self) -> None:
        kept = self.start(self.put_host(self.public))
        before = self.live.certificate
        self.put_host(self.public)
        self.minute()
        between = self.live.certificate
        self.put_host(self.public)
        self.successResultOf(kept.check())
        self.assertEqual(len({before, between, self.live.certificate}), 3)
        self.assertEqual(self.anchor(), self.authority.issuer.certificate)
        published = x509.load_pem_x509_certificate((self.path / "host.crt").read_bytes())
        self.assertEqual(published, self.live.certificate)

    def test_a_bad_host_certificate_changes_nothing(self) -> None:
        self.start(self.put_host(self.public))
        before = self.live.certificate
        (self.directory / "host.crt").write_bytes(write_certificates([self.public.certificate]))
        self.minute()
        self.assertEqual(self.live.certificate, before)
        self.assertEqual(self.lines("the certificate of --cert was not replaced"), 1)

    def test_another_ca_beside_an_own_host_certificate(self) -> None:
        self.start(self.put_ca(self.own), self.put_host(self.own))
        before = self.live.certificate
        self.put_ca(authority("CN=next"))
        self.minute()
        self.assertEqual(self.live.certificate, before)
        self.assertEqual(self.lines("does not lead to the CA at /ca/cert"), 1)

    def test_both_ends_are_told(self) -> None:
        kept = self.start(self.put_ca(self.own), self.put_host(self.public))
        ends = {"ca": min(each.not_valid_after_utc for each in self.own.chain), "host": NOON + YEAR}
        self.assertEqual(kept.ends(), ends)

    def test_a_copy_that_cannot_be_written_stops_nothing(self) -> None:
        self.start(self.put_ca(self.own))
        following = authority("CN=next")
        self.put_ca(following)
        (self.path / "ca.crt").unlink()
        (self.path / "ca.crt").mkdir()
        self.minute()
        self.assertEqual(self.authority.issuer.certificate, following.certificate)
        self.assertEqual(len(self.flushLoggedErrors(StateError)), 1)


class StopTests(CertificatesCase):
    def test_nothing_is_looked_at_any_more(self) -> None:
        kept = self.start(self.put_ca(self.own), self.put_host(self.public))
        kept.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_made_certificate_is_kept_in_time_as_before(self) -> None:
        kept = self.start()
        self.assertIsInstance(kept._host, HostCertificate)
        before = self.live.certificate
        self.shift = timedelta(days=364, hours=12)
        self.minute()
        self.assertNotEqual(self.live.certificate, before)
        self.assertIsInstance(self.state.load_pair("host"), KeyPair)
