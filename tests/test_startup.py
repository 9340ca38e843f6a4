"""The first start makes everything once, a later one makes nothing again, and an interrupted one harms nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from unittest.mock import patch

from cryptography.x509 import Certificate
from twisted.internet.defer import execute
from twisted.internet.task import Clock

from pkid.auth.roles import Role
from pkid.ca.authority import Authority
from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import Names, TrustDomain
from pkid.errors import StateError
from pkid.host import HostCertificate
from pkid.settings.resolution import Settings, resolve
from pkid.startup import check_ledger, open_issuer, open_psks, open_trust_domain, publish_issuer
from pkid.state import KeyPair, StateDirectory
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite
from tests.certificates import NOON, private_key, profile
from tests.support import Case

GOOD = "a good pre-shared key, 1"
NAMES = Names(dns=("localhost",))


class StartCase(Case):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).resolve() / "state"
        self.serials = count(2**130)

    def serial(self) -> int:
        return next(self.serials)

    def state(self, path: Path | None = None) -> StateDirectory:
        state = StateDirectory(path or self.path)
        self.addCleanup(state.close)
        return state

    def issuer(self, state: StateDirectory, kind: KeyType = KeyType.P256, days: int = 0) -> Issuer:
        issuer = open_issuer(state, kind, lambda: NOON + timedelta(days=days), self.serial)
        publish_issuer(state, issuer)
        return issuer

    def settings(self, **flags: str | bool) -> Settings:
        written = {name.replace("_", "-"): value for name, value in flags.items()}
        return resolve({"state": str(self.path), **written}, {}, Path.read_bytes, self.path)

    def refused(self, work: Callable[[], object], path: Path, *words: str) -> None:
        """Check that *work* is refused in one line that names *path*, and changes nothing."""
        before = content(self.path)
        error = self.assertRaises(StateError, work)
        self.assertEqual(error.path, path)
        for word in words:
            self.assertIn(word, str(error))
        self.assertEqual(content(self.path), before)


def content(path: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in sorted(path.iterdir()) if entry.is_file()}


class LedgerTests(StartCase):
    def test_a_lost_ledger_is_not_made_again(self) -> None:
        state = self.state()
        check_ledger(state)
        self.issuer(state)
        (self.path / "host.pem").touch(0o600)
        (self.path / "host.pem").write_bytes((self.path / "ca.pem").read_bytes())
        self.refused(lambda: check_ledger(state), self.path / "ledger.sqlite", "host.pem", "backup")
        state.ledger.touch()
        self.refused(lambda: check_ledger(state), self.path / "ledger.sqlite", "empty")
        state.ledger.write_bytes(b"ledger")
        check_ledger(state)


class TrustDomainTests(StartCase):
    def test_it_is_settled_at_the_first_start(self) -> None:
        state = self.state()
        self.assertEqual(open_trust_domain(state, "example.org"), TrustDomain("example.org"))
        self.assertEqual(open_trust_domain(state, None), TrustDomain("example.org"))
        self.assertEqual(open_trust_domain(state, "example.org"), TrustDomain("example.org"))
        self.refused(lambda: open_trust_domain(state, "example.com"), self.path, "example.org, not example.com")

    def test_the_default_is_settled_too(self) -> None:
        state = self.state()
        self.assertEqual(open_trust_domain(state, None).name, "pkid.internal")
        self.refused(lambda: open_trust_domain(state, "example.com"), self.path)

    def test_a_lost_one_is_not_made_again(self) -> None:
        state = self.state()
        self.issuer(state)
        self.refused(lambda: open_trust_domain(state, None), self.path / "trust-domain", "is missing")


class IssuerTests(StartCase):
    def test_every_kind_of_key_is_loaded_as_it_was_made(self) -> None:
        for kind in (KeyType.P256, KeyType.P384, KeyType.ED25519, KeyType.RSA2048):
            with StateDirectory(self.path.with_name(kind.value)) as state:
                made = self.issuer(state, kind)
                again = self.issuer(state, KeyType.P384)
                again.check(NOON)
                self.assertEqual(again.certificate, made.certificate, kind)
                self.assertIn(b"BEGIN CERTIFICATE", (state.path / "ca.crt").read_bytes())

    def test_the_public_copy_is_made_again(self) -> None:
        state = self.state()
        self.issuer(state)
        public = (self.path / "ca.crt").read_bytes()
        (self.path / "ca.crt").write_bytes(b"nonsense")
        self.issuer(state)
        self.assertEqual((self.path / "ca.crt").read_bytes(), public)
        self.assertNotIn(b"PRIVATE", public)

    def test_a_lost_one_is_not_made_again(self) -> None:
        state = self.state()
        for witness in ("ledger.sqlite", "host.pem", "ca.crt"):
            (self.path / witness).write_bytes(b"")
            self.refused(lambda: self.issuer(state), self.path / "ca.pem", "is missing", witness, "backup")
            (self.path / witness).unlink()
        self.issuer(state)

    def test_one_that_cannot_issue(self) -> None:
        state = self.state()
        made = self.issuer(state)
        self.refused(lambda: self.issuer(state, days=3651), self.path / "ca.pem", "valid only until")
        self.refused(lambda: self.issuer(state, days=-1), self.path / "ca.pem", "check the clock")
        leaf = Authority(made, profile(), lambda: NOON, self.serial).issuer.sign(
            profile().approve_core(private_key().public_key(), NAMES), NOON, self.serial()
        )
        state.save_pair("ca", KeyPair(private_key(), leaf))
        self.refused(lambda: self.issuer(state), self.path / "ca.pem", "not a certificate authority's")

    def test_a_key_of_another_certificate(self) -> None:
        state = self.state()
        other = make_root(private_key(), NOON, self.serial())
        state.save_pair("ca", KeyPair(self.issuer(state).key, other.certificate))
        self.refused(lambda: self.issuer(state), self.path / "ca.pem", "do not belong together")


class PreSharedKeyTests(StartCase):
    def secrets(self, state: StateDirectory, **flags: str | bool) -> list[str]:
        return [psk.secret for psk in open_psks(state, self.settings(**flags))]

    def config(self, toml: str) -> str:
        """Write a configuration file, and return its path."""
        file = self.path.with_name("pkid.toml")
        file.write_text(toml)
        return str(file)

    def test_one_is_made_and_loaded(self) -> None:
        state = self.state()
        (made,) = open_psks(state, self.settings())
        self.assertGreaterEqual(len(made.secret), 43)
        self.assertEqual((made.name, open_psks(state, self.settings())), ("default", (made,)))

    def test_a_given_one_counts_and_is_not_kept(self) -> None:
        state = self.state()
        self.assertEqual(self.secrets(state, psk=GOOD), [GOOD])
        self.assertFalse(state.psk_file.exists())

    def test_a_given_one_counts_over_the_stored_one_which_stays(self) -> None:
        state = self.state()
        state.save_psk("another good key, as long")
        self.assertEqual(self.secrets(state, psk=GOOD), [GOOD])
        self.assertEqual(state.load_psk(), "another good key, as long")

    def test_a_weak_stored_one(self) -> None:
        state = self.state()
        state.save_psk("changeme")
        self.refused(lambda: open_psks(state, self.settings()), state.psk_file, "easy to guess", "--allow-weak-psk")
        self.assertEqual(self.secrets(state, allow_weak_psk=True), ["changeme"])

    def test_none_is_made_beside_one_that_has_a_name(self) -> None:
        state = self.state()
        config = self.config(f'[psks.autumn]\nkey = "{GOOD}"')
        self.assertEqual([psk.name for psk in open_psks(state, self.settings(config=config))], ["autumn"])
        self.assertFalse(state.psk_file.exists())

    def test_a_stored_one_stays_beside_one_that_has_a_name_with_the_terms_of_its_table(self) -> None:
        state = self.state()
        state.save_psk("another good key, as long")
        terms = '[psks.default]\nrole = "read"\nexpires = 2031-05-06T14:00:00+02:00\n'
        config = self.config(f'{terms}[psks.autumn]\nkey = "{GOOD}"')
        default, autumn = open_psks(state, self.settings(config=config))
        self.assertEqual((default.name, autumn.name), ("default", "autumn"))
        self.assertEqual((default.terms.role, default.terms.expires), (Role.READ, NOON))
        made = self.state(self.path.with_name("other"))
        self.assertEqual(open_psks(made, self.settings(config=self.config(terms)))[0].terms, default.terms)

    def test_a_stored_one_that_is_the_same_as_a_named_one(self) -> None:
        state = self.state()
        state.save_psk(GOOD)
        config = self.config(f'[psks.autumn]\nkey = "{GOOD}"')
        self.refused(lambda: open_psks(state, self.settings(config=config)), state.psk_file, "psks.autumn")

    def test_none_is_made_while_the_core_runs(self) -> None:
        state = self.state()
        self.refused(lambda: open_psks(state, self.settings(), make=False), state.psk_file, "is gone")
        state.save_psk(GOOD)
        self.assertEqual([psk.secret for psk in open_psks(state, self.settings(), make=False)], [GOOD])

    def test_without_authentication_there_is_none_and_the_stored_one_stays(self) -> None:
        state = self.state()
        state.save_psk(GOOD)
        self.assertEqual(open_psks(state, self.settings(psk="")), ())
        self.assertEqual(state.load_psk(), GOOD)


class PowerLossTests(StartCase):
    """The power fails somewhere in the first start; the next start completes it."""

    def start(self, path: Path) -> tuple[Certificate, str]:
        """Do what the daemon's start does to the state directory."""
        with StateDirectory(path) as state:
            open_trust_domain(state, None)
            issuer = self.issuer(state)
            (psk,) = open_psks(state, self.settings())
            store = SQLStore(open_sqlite(state.ledger), execute)
            try:
                authority = Authority(issuer, profile(), lambda: NOON, self.serial)
                HostCertificate(
                    authority, store, state, lambda: NAMES, lambda _: None,
                    offload=execute, clock=Clock(), now=lambda: NOON, random=lambda: 0.0,
                ).prepare()  # fmt: skip
                state.save_addresses(["https ::1 8900"])
            finally:
                store.close()
            return issuer.certificate, psk.secret

    def snapshots(self) -> list[Path]:
        """Start, and keep a copy of the directory as it was before and after each file came into it."""
        copies: list[Path] = []

        def copy() -> None:
            if self.path.exists():
                copies.append(self.path.with_name(f"copy-{len(copies)}"))
                shutil.copytree(self.path, copies[-1])

        fsync, replace, opened = os.fsync, Path.replace, os.open

        def watch_fsync(descriptor: int) -> None:
            fsync(descriptor)
            copy()

        def watch_replace(path: Path, target: Path) -> Path:
            copy()
            moved = replace(path, target)
            copy()
            return moved

        def watch_open(*arguments: object, **options: object) -> int:
            descriptor: int = opened(*arguments, **options)  # type: ignore[arg-type]
            if not os.path.isdir(str(arguments[0])) and str(self.path) in str(arguments[0]):
                copy()
            return descriptor

        with (
            patch.object(os, "fsync", watch_fsync),
            patch.object(Path, "replace", watch_replace),
            patch.object(os, "open", watch_open),
        ):
            self.start(self.path)
        copy()
        return copies

    def test_the_next_start_completes_it_and_replaces_nothing_that_was_whole(self) -> None:
        copies = self.snapshots()
        seen = {name for copy in copies for name in content(copy) if not name.startswith(".")}
        self.assertLessEqual({"lock", "trust-domain", "ca.pem", "ca.crt", "psk", "ledger.sqlite", "host.pem"}, seen)
        self.assertGreater(len(copies), 20)
        for copy in copies:
            before = content(copy)
            made = self.start(copy)
            after = content(copy)
            for name in ("ca.pem", "ca.crt", "psk", "trust-domain", "host.pem"):
                self.assertEqual(after[name], before.get(name, after[name]), f"{name} in {sorted(before)}")
            self.assertEqual(self.start(copy), made)

    def test_a_file_that_is_lost_later_is_made_again_only_if_nobody_depends_on_it(self) -> None:
        self.start(self.path)
        whole = content(self.path)
        for name in ("trust-domain", "ca.pem"):
            (self.path / name).unlink()
            self.refused(lambda: self.start(self.path), self.path / name, "is missing")
            (self.path / name).write_bytes(whole[name])
            (self.path / name).chmod(0o600)
        for name in ("host.pem", "ca.crt", "lock"):
            (self.path / name).unlink()
            self.start(self.path)
        self.assertEqual(content(self.path)["ca.pem"], whole["ca.pem"])
