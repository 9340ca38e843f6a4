"""Which key is used, and who is trusted, with whom nobody knows at the other end."""

from __future__ import annotations

import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import BadAnswer
from pkid.ca.issuer import make_root
from pkid.ca.pem import write_key
from pkid.ca.request import read_request
from pkid.ca.trust import fingerprint
from pkid.client import FingerprintMismatch, NoEndorsement, WrongPreSharedKey
from pkid.errors import StateError
from pkid.exchange import Unreachable
from pkid.origin import Origin
from pkid.shell.core import Core
from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import resolve
from pkid.shell.trust import is_on_this_machine, located, trusted_core
from tests.certificates import PSK, SERIAL, csr_pem, make_token, private_key, profile
from tests.scripted import Step, http, scripted
from tests.support import Case
from tests.test_exchange import server_context


class TrustCase(Case):
    """Has a CA that is valid now, a state directory, and an environment without anything."""

    def setUp(self) -> None:
        self.now = datetime.now(UTC)
        self.issuer = make_root(private_key(owner="authority"), self.now, SERIAL)
        self.pem = self.issuer.certificate.public_bytes(Encoding.PEM)
        self.home = Path(self.mktemp()).absolute()
        self.state = self.home / ".local" / "state" / "pkid"
        self.state.mkdir(0o700, parents=True)
        self.patch(os, "environ", {"HOME": str(self.home)})

    def keep(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        path = self.state / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def trust(self, *arguments: str, core: str = "https://localhost:1") -> Core:
        plain = ["--no-tls"] if core.startswith("http:") else []
        return trusted_core(resolve(["--core", core, *plain, *arguments], {}))

    def authorities(self, core: Core) -> list[bytes]:
        return core.context.get_ca_certs(binary_form=True)


class KeyTests(TrustCase):
    def test_a_given_key_counts(self) -> None:
        self.keep("psk", b"stored\n")
        path = self.keep("other", b"in a file\r\n", 0o644)
        for arguments, key in ((("--psk", "given"), "given"), (("--psk-file", str(path)), "in a file")):
            self.assertEqual(self.trust(*arguments, core="http://localhost:1").psk, key)

    def test_the_key_of_the_core_on_this_machine_is_found(self) -> None:
        self.keep("psk", b"stored\n")
        for host in ("localhost", "127.0.0.1", "[::1]"):
            self.assertEqual(self.trust(core=f"http://{host}:1").psk, "stored")

    def test_it_is_not_for_cores_elsewhere_unless_that_is_said(self) -> None:
        self.keep("psk", b"stored\n")
        for host in ("core.example", "192.0.2.1", "localhost.example"):
            self.assertEqual(self.trust(core=f"http://{host}:1").psk, "")
            self.assertEqual(self.trust("--state", str(self.state), core=f"http://{host}:1").psk, "stored")

    def test_a_state_directory_that_is_named_must_be_there(self) -> None:
        for missing in (self.state / "none", self.keep("file", b"")):
            with self.assertRaisesRegex(StateError, "is no directory; give the state directory of a core"):
                self.trust("--state", str(missing), core="http://localhost:1")
            key = self.keep("key", b"given\n")
            self.assertEqual(
                self.trust("--state", str(missing), "--psk-file", str(key), core="http://localhost:1").psk, "given"
            )

    def test_an_empty_key_means_none(self) -> None:
        self.keep("psk", b"stored\n")
        self.assertEqual(self.trust("--psk", "", core="http://localhost:1").psk, "")

    def test_a_stored_key_that_others_can_read_is_not_used(self) -> None:
        self.keep("psk", b"stored\n", 0o644)
        self.assertEqual(self.trust(core="http://localhost:1").psk, "")
        with self.assertRaisesRegex(StateError, "may be read by others"):
            self.trust("--state", str(self.state), core="http://localhost:1")

    def test_root_takes_the_key_of_another_users_core(self) -> None:
        self.keep("psk", b"stored\n")
        stat, fstat = os.stat, os.fstat
        for directory_owner, said in ((4321, None), (1234, "belongs to another user")):
            with (
                patch.object(os, "geteuid", lambda: 0),
                patch.object(os, "stat", lambda *path, by=directory_owner, **how: _belonging(stat(*path, **how), by)),
                patch.object(os, "fstat", lambda file: _belonging(fstat(file), 4321)),
            ):
                if said is None:
                    self.assertEqual(self.trust("--state", str(self.state), core="http://localhost:1").psk, "stored")
                else:
                    with self.assertRaisesRegex(StateError, said):
                        self.trust("--state", str(self.state), core="http://localhost:1")

    def test_a_file_without_a_key_is_told(self) -> None:
        for content in (b"", b"\n", b"two\nlines\n", b"\xff", b"x" * 5000, b"a\0b"):
            path = self.keep("key", content)
            with self.assertRaisesRegex(StateError, "holds no pre-shared key"):
                self.trust("--psk-file", str(path))
        with self.assertRaisesRegex(StateError, "cannot be read"):
            self.trust("--psk-file", str(self.state / "none"))

    def test_what_is_on_this_machine(self) -> None:
        for url, here in (("https://localhost", True), ("https://127.9.9.9", True), ("https://a.example", False)):
            self.assertIs(is_on_this_machine(Origin.of(url)), here)


class PlaceTests(TrustCase):
    """Where the core is when nobody says it."""

    def place(self, *arguments: str) -> str:
        return str(located(resolve(arguments, {})).core)

    def test_it_is_where_the_state_directory_says(self) -> None:
        for listed, place in (
            ("line :: 8910\nhttps :: 9900\n", "https://localhost:9900"),
            ("https 127.0.0.1 9901\n", "https://localhost:9901"),
            ("https /run/pkid/https\nline :: 8910\n", "https://localhost:8900"),
            ("https nowhere 9902\n", "https://localhost:8900"),
            ("\xff", "https://localhost:8900"),
        ):
            self.keep("addresses", listed.encode("latin-1"))
            self.assertEqual((self.place(), self.place("--state", str(self.state))), (place, place), listed)
        self.assertEqual(self.place("--no-tls"), "http://localhost:8900")

    def test_what_is_said_counts(self) -> None:
        self.keep("addresses", b"https :: 9900\n")
        self.assertEqual(self.place("--core", "https://localhost:8900"), "https://localhost:8900")
        self.assertEqual(self.place("--no-tls"), "http://localhost:9900")

    def test_without_a_core_that_runs_it_is_the_default_unless_its_directory_was_named(self) -> None:
        self.assertEqual(self.place(), "https://localhost:8900")
        self.assertEqual(self.place("--state", str(self.state / "none")), "https://localhost:8900")
        with self.assertRaisesRegex(ShellError, "no core runs with .*; start it, or say with --core") as caught:
            self.place("--state", str(self.state))
        self.assertEqual(caught.exception.exit, Exit.UNREACHABLE)
        named = self.place("--state", str(self.state), "--core", "https://a.example")
        self.assertEqual(named, "https://a.example:443")

    def test_the_key_is_taken_wherever_that_is(self) -> None:
        self.keep("psk", b"stored\n")
        self.keep("addresses", b"https 192.0.2.7 9900\n")
        self.keep("ca.crt", self.pem)
        found = located(resolve(["--no-tls"], {}))
        self.assertEqual((str(found.core), trusted_core(found).psk), ("http://192.0.2.7:9900", "stored"))


class AuthorityTests(TrustCase):
    def test_a_file_is_trusted_and_nobody_is_asked(self) -> None:
        other = make_root(private_key(owner="other"), self.now, SERIAL).certificate.public_bytes(Encoding.PEM)
        path = self.keep("both.crt", self.pem + other)
        core = self.trust("--ca-cert", str(path), "--psk", "key")
        self.assertEqual(len(self.authorities(core)), 2)
        self.assertIs(core.context.verify_mode, ssl.CERT_REQUIRED)

    def test_a_file_without_a_current_authority_is_refused(self) -> None:
        old = make_root(private_key(owner="authority"), self.now - timedelta(days=4000), SERIAL)
        for content in (b"", b"junk", old.certificate.public_bytes(Encoding.PEM), self.leaf()):
            path = self.keep("ca", content)
            with self.assertRaisesRegex(StateError, "holds no CA certificate that is valid now"):
                self.trust("--ca-cert", str(path))

    def leaf(self) -> bytes:
        """Return a certificate of the CA that is no CA's."""
        approved = profile().check(read_request(csr_pem(dns=["a.example"])))
        return self.issuer.sign(approved, self.now, SERIAL + 1).public_bytes(Encoding.PEM)

    def answer(self, psk: str = PSK.secret) -> bytes:
        """Write what a core answers for its CA certificate."""
        claims = {"sha256_fingerprint": fingerprint(self.issuer.certificate.public_bytes(Encoding.DER))}
        key = type(PSK)("default", psk)
        token = make_token(claims, expires_at=int(self.now.timestamp()) + 300, psk=key)
        return http(self.pem, 200, ("Authorization", f"Bearer {token.decode()}"))

    def begin(self, answer: Step, *arguments: str) -> Core:
        """Trust an HTTPS core that gives this answer."""
        with scripted(answer, context=server_context(self.issuer, self.home, "other.example")) as server:
            return self.trust(*arguments, core=server.url)

    def test_the_key_vouches_for_it(self) -> None:
        core = self.begin(self.answer(), "--psk", PSK.secret)
        self.assertEqual(self.authorities(core), [self.issuer.certificate.public_bytes(Encoding.DER)])
        self.assertTrue(core.context.check_hostname)

    def test_somebody_without_the_key_is_not_trusted(self) -> None:
        with self.assertRaises(WrongPreSharedKey):
            self.begin(self.answer("another pre-shared key, 2"), "--psk", PSK.secret)
        with self.assertRaises(NoEndorsement):
            self.begin(http(self.pem), "--psk", PSK.secret)

    def test_a_fingerprint_vouches_for_it_in_any_form(self) -> None:
        written = fingerprint(self.issuer.certificate.public_bytes(Encoding.DER))
        for form in (written, written.lower(), written.replace(":", "")):
            core = self.begin(http(self.pem), "--ca-fingerprint", form)
            self.assertEqual(len(self.authorities(core)), 1)

    def test_another_certificate_than_the_fingerprints_is_refused(self) -> None:
        with self.assertRaises(FingerprintMismatch):
            self.begin(http(self.pem), "--ca-fingerprint", "AB" * 32)
        written = fingerprint(self.issuer.certificate.public_bytes(Encoding.DER))
        with self.assertRaises(FingerprintMismatch):
            self.begin(http(self.leaf() + self.pem), "--ca-fingerprint", written)

    def test_a_certificate_of_ones_own_is_shown(self) -> None:
        shown: list[bytes | None] = []

        def step(connection: socket.socket, request: bytes) -> None:
            assert isinstance(connection, ssl.SSLSocket)
            shown.append(connection.getpeercert(binary_form=True))
            connection.sendall(http(b"{}"))

        asking = server_context(self.issuer, self.home, "localhost")
        asking.load_verify_locations(cadata=self.pem.decode())
        asking.verify_mode = ssl.CERT_OPTIONAL
        leaf = self.leaf()
        ca, own = self.keep("ca", self.pem), self.keep("own.crt", leaf)
        key = self.keep("own.key", write_key(private_key(), "a passphrase"))
        pair = ("--cert", str(own), "--cert-key", str(key), "--cert-key-pass", "a passphrase")
        for arguments in ((), pair):
            with scripted(step, context=asking) as server:
                self.trust("--ca-cert", str(ca), *arguments, core=server.url).describe()
        self.assertEqual(shown, [None, x509.load_pem_x509_certificate(leaf).public_bytes(Encoding.DER)])

    def test_one_that_cannot_be_shown_is_told_and_nobody_is_asked_for_a_passphrase(self) -> None:
        ca, own = self.keep("ca", self.pem), self.keep("own.crt", self.leaf())
        key = self.keep("own.key", write_key(private_key(), "a passphrase"))
        other = self.keep("other.key", write_key(private_key(owner="other")))
        for wrong in (("--cert-key", str(key)), ("--cert-key", str(other)), ()):
            with self.assertRaisesRegex(StateError, "cannot be shown; .*--cert-key-pass-file"):
                self.trust("--ca-cert", str(ca), "--cert", str(own), *wrong)
        with self.assertRaisesRegex(StateError, "cannot be read"):
            self.trust("--ca-cert", str(ca), "--cert", str(own), "--cert-key", "/nowhere")

    def test_redirects_and_junk_are_refused(self) -> None:
        for answer in (http(b"", 302, ("Location", "https://other")), http(b"junk")):
            for arguments in (("--psk", "key"), ("--ca-fingerprint", "AB" * 32)):
                with self.assertRaises(BadAnswer):
                    self.begin(answer, *arguments)

    def test_a_core_on_this_machine_is_trusted_by_its_file(self) -> None:
        self.keep("ca.crt", self.pem)
        core = self.trust()
        self.assertEqual((core.psk, len(self.authorities(core))), ("", 1))

    def test_without_anything_that_vouches_nobody_is_asked(self) -> None:
        with self.assertRaisesRegex(ShellError, "nothing vouches for https://localhost:1") as caught:
            self.trust()
        self.assertIs(caught.exception.exit, Exit.UNAUTHENTICATED)

    def test_a_core_that_is_not_there_is_tried_once(self) -> None:
        with self.assertRaisesRegex(Unreachable, "Connection refused"):
            self.trust("--psk", "key")


def _belonging(found: os.stat_result, owner: int) -> os.stat_result:
    return os.stat_result([*found[:4], owner, *found[5:]])
