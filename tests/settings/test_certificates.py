"""Which files of the operator's own belong together, and where the passphrases of their keys may stand."""

from __future__ import annotations

from pathlib import Path

from pkid.settings.certificates import PairFiles
from tests.settings.case import WORK, SettingsCase


class HostTests(SettingsCase):
    def test_the_key_is_in_the_same_file_unless_it_is_named(self) -> None:
        self.assertEqual(self.resolve({"cert": "/c"}).host, PairFiles(Path("/c"), Path("/c")))
        self.assertEqual(self.resolve({"cert": "c", "cert-key": "k"}).host, PairFiles(WORK / "c", WORK / "k"))

    def test_nothing_of_it_without_the_certificate(self) -> None:
        for flags, source in (
            ({"cert-key": "/k"}, "--cert-key"),
            ({"cert-key-pass": "x"}, "--cert-key-pass"),
            ({"cert-key-pass-file": "/p"}, "--cert-key-pass-file"),
        ):
            message = self.refused(flags, None, {"/p": b"x"})
            self.assertEqual(message, f"{source} is given without --cert; give the certificate too, or neither")
        self.assertIn("PKID_CERT_KEY is given", self.refused(None, {"PKID_CERT_KEY": "/k"}))

    def test_a_credential_that_nobody_needs_is_no_mistake(self) -> None:
        files = {"/run/c/cert-key-pass": b"x\n"}
        self.assertEqual(self.resolve(None, {"CREDENTIALS_DIRECTORY": "/run/c"}, files).host, PairFiles())


class KeystoreTests(SettingsCase):
    """Where Rembus's broker has the certificate that it shows."""

    def found(self, keystore: str, **doors: str | bool) -> PairFiles:
        return self.resolve(dict(doors), {"REMBUS_KEYSTORE": keystore}).keystore

    def test_its_files_are_in_the_directory_that_the_environment_names(self) -> None:
        self.assertEqual(self.found("/k"), PairFiles(Path("/k/rembus.crt"), Path("/k/rembus.key")))
        self.assertEqual(self.found("k"), PairFiles(WORK / "k/rembus.crt", WORK / "k/rembus.key"))
        self.assertEqual(self.found(""), PairFiles())

    def test_nobody_needs_it_unless_a_door_shows_it(self) -> None:
        self.assertEqual(self.found("/k", **{"rembus-wss": "off", "rembus-ws": "tcp:1"}), PairFiles())
        self.assertNotEqual(self.found("/k", **{"rembus-wss": "off", "rembus-tls": "tcp:1"}), PairFiles())


class AuthorityTests(SettingsCase):
    def test_a_certificate_without_a_key_is_only_trusted(self) -> None:
        self.assertEqual(self.resolve({"ca-cert": "/c"}).ca, PairFiles(Path("/c")))

    def test_a_passphrase_alone_is_the_stored_ca_s(self) -> None:
        self.assertEqual(self.resolve({"ca-cert-key-pass": "x"}).ca, PairFiles(passphrase="x"))

    def test_a_key_alone_is_refused(self) -> None:
        message = self.refused({"ca-cert-key": "/k"})
        self.assertEqual(message, "--ca-cert-key is given without --ca-cert; give the CA certificate too, or neither")


class PassphraseTests(SettingsCase):
    def found(self, flags: dict[str, str | bool], **environ: str) -> str | None:
        files = {"/p": b"in a file\r\n", "/run/c/ca-cert-key-pass": b"a credential", "/t": b'ca-cert-key-pass = "toml"'}
        return self.resolve(flags, environ, files).ca.passphrase

    def test_it_stands_where_a_pre_shared_key_may_stand(self) -> None:
        self.assertEqual(self.found({"ca-cert-key-pass": "typed"}, PKID_CA_CERT_KEY_PASS="other"), "typed")
        self.assertEqual(self.found({"ca-cert-key-pass-file": "/p"}), "in a file")
        self.assertEqual(self.found({}, PKID_CORE_CA_CERT_KEY_PASS="core", PKID_CA_CERT_KEY_PASS="all"), "core")
        self.assertEqual(self.found({"config": "/t"}), "toml")
        self.assertEqual(self.found({"config": "/t"}, CREDENTIALS_DIRECTORY="/run/c"), "a credential")

    def test_twice_at_one_level(self) -> None:
        message = self.refused({"ca-cert-key-pass": "x", "ca-cert-key-pass-file": "/p"})
        self.assertEqual(message, "--ca-cert-key-pass and --ca-cert-key-pass-file exclude each other; give one")

    def test_what_is_none(self) -> None:
        for passphrase, why in (
            ("", "is empty; leave it out"),
            ("hunter2\nhunter2", "one line of printable UTF-8"),
            ("hunter2\udcff", "one line of printable UTF-8"),
            ("hunter2" * 147, "longer than 1023 bytes"),
        ):
            message = self.refused({"ca-cert-key-pass": passphrase})
            self.assertTrue(message.startswith("--ca-cert-key-pass "), message)
            self.assertIn(why, message)
            self.assertNotIn("hunter2", message)

    def test_no_repr_shows_it(self) -> None:
        settings = self.resolve({"ca-cert-key-pass": "hunter2", "cert": "/c", "cert-key-pass": "hunter3"})
        self.assertEqual((settings.ca.passphrase, settings.host.passphrase), ("hunter2", "hunter3"))
        self.assertNotIn("hunter", repr(settings))
