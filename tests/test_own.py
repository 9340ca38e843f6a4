"""The operator's own files: what is read of them, and one clear line for each way in which they cannot be used."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkid.ca.issuer import Issuer, make_root
from pkid.ca.keys import KeyType
from pkid.ca.pem import write_certificates, write_key
from pkid.errors import StateError
from pkid.own import load_host, load_issuer, load_keystore, load_trusted, others_can_read, stamp
from pkid.settings.certificates import PairFiles
from pkid.state import KeyPair
from tests.certificates import NOON, SERIAL, authority, private_key, profile, root
from tests.support import Case

DAY = timedelta(days=1)


def leaf(issuer: Issuer, key: Any = None) -> x509.Certificate:
    """Return a certificate for servers and clients, of five minutes."""
    return issuer.sign(profile().approve_self_test((key or private_key()).public_key()), NOON, SERIAL)


class OwnCase(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir()
        self.certificate, self.key = self.directory / "own.crt", self.directory / "own.key"

    def put(self, key: Any, *chain: x509.Certificate, passphrase: str | None = None) -> PairFiles:
        """Write a key and certificates to two files."""
        self.certificate.write_bytes(write_certificates(chain))
        self.key.write_bytes(write_key(key, passphrase))
        return PairFiles(self.certificate, self.key)

    def refused(self, load: Any, files: Any, path: Path, *words: str, now: datetime = NOON) -> None:
        error = self.assertRaises(StateError, load, files, now)
        self.assertEqual(str(error.path), str(path))
        self.assertNotIn("\n", str(error))
        for word in words:
            self.assertIn(word, str(error))


class IssuerTests(OwnCase):
    def test_a_root_and_an_intermediate_with_its_chain(self) -> None:
        for issuer in (root(), authority("CN=below", authority("CN=above"))):
            loaded = load_issuer(self.put(issuer.key, *issuer.chain), NOON)
            self.assertEqual((loaded.certificate, loaded.issuers), (issuer.certificate, issuer.issuers))

    def test_both_in_one_file_and_an_encrypted_key(self) -> None:
        self.certificate.write_bytes(write_key(root().key, "sesame") + write_certificates([root().certificate]))
        files = PairFiles(self.certificate, self.certificate, "sesame")
        self.assertEqual(load_issuer(files, NOON).certificate, root().certificate)

    def test_passphrases_that_do_not_fit(self) -> None:
        self.put(root().key, root().certificate, passphrase="sesame")
        for passphrase, words in ((None, "encrypted key"), ("other", "cannot be decrypted")):
            files = PairFiles(self.certificate, self.key, passphrase)
            self.refused(load_issuer, files, self.key, words, "--ca-cert-key-pass-file")

    def test_a_key_of_another_certificate(self) -> None:
        files = self.put(private_key(), root().certificate)
        self.refused(load_issuer, files, self.certificate, f"does not belong to the key in {self.key}", "first")

    def test_the_keys_certificate_must_come_first(self) -> None:
        issuer = authority("CN=below", authority("CN=above"))
        files = self.put(issuer.key, *issuer.chain[::-1])
        self.refused(load_issuer, files, self.certificate, "does not belong to the key", "its issuers after it")

    def test_no_authority_not_valid_and_a_broken_chain(self) -> None:
        below = authority("CN=below", authority("CN=above"))
        soon = authority("CN=soon", valid=(NOON + DAY, NOON + 2 * DAY))
        past = authority("CN=past", valid=(NOON - 2 * DAY, NOON - DAY))
        for key, chain, words in (
            (private_key(), [leaf(root())], "not a certificate authority's"),
            (soon.key, soon.chain, "valid only from"),
            (past.key, past.chain, "valid only until"),
            (below.key, below.chain[:1], "append the certificates of its issuers"),
            (below.key, [below.certificate, *authority("CN=other").chain], "which it did not sign"),
        ):
            self.refused(load_issuer, self.put(key, *chain), self.certificate, words)

    def test_kinds_of_key_that_do_not_sign_here(self) -> None:
        for key, words in (
            (rsa.generate_private_key(65537, 1024), "RSA with 1024 bits"),
            (ec.generate_private_key(ec.SECP521R1()), "curve secp521r1"),
        ):
            weak = make_root(key, NOON - DAY, SERIAL)
            self.refused(load_issuer, self.put(key, weak.certificate), self.certificate, words, "use RSA of 2048")

    def test_files_that_cannot_be_read(self) -> None:
        self.put(root().key, root().certificate)
        files = PairFiles(self.certificate, self.key)
        for path, content, words in (
            (self.key, None, "cannot be read (No such file or directory)"),
            (self.certificate, None, "cannot be read"),
            (self.key, b"nothing", "holds no PEM private key"),
            (self.certificate, b"nothing", "holds no PEM certificate"),
            (self.key, b"x" * (2 << 20), "1 MiB or less"),
        ):
            before = path.read_bytes()
            path.unlink()
            if content is not None:
                path.write_bytes(content)
            self.refused(load_issuer, files, path, words)
            path.write_bytes(before)
        load_issuer(files, NOON)

    def test_a_pipe_is_not_waited_for(self) -> None:
        os.mkfifo(self.key)
        self.certificate.write_bytes(write_certificates([root().certificate]))
        self.refused(load_issuer, PairFiles(self.certificate, self.key), self.key, "not a regular file")


class HostTests(OwnCase):
    def test_with_and_without_its_issuers(self) -> None:
        issuer = authority("CN=below", authority("CN=above"))
        certificate = leaf(issuer)
        for length in range(3):
            pair = load_host(self.put(private_key(), certificate, *issuer.chain[:length]), NOON)
            self.assertEqual(pair, KeyPair(private_key(), certificate, issuer.chain[:length]))

    def test_an_old_root_in_its_chain_does_not_matter(self) -> None:
        past = authority("CN=past", valid=(NOON - 2 * DAY, NOON - DAY))
        certificate = leaf(Issuer(authority("CN=past").certificate, past.key))
        load_host(self.put(private_key(), certificate, past.certificate), NOON)

    def test_times(self) -> None:
        certificate = leaf(root())
        files = self.put(private_key(), certificate)
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        load_host(files, start)
        load_host(files, end - timedelta(seconds=1))
        self.refused(load_host, files, self.certificate, "valid only from", now=start - timedelta(seconds=1))
        self.refused(load_host, files, self.certificate, "was valid until", now=end)

    def test_it_must_be_for_servers(self) -> None:
        client, server = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
        for usages, fits in (
            ([client], False),
            ([server], True),
            ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], True),
            ([], True),
        ):
            extensions = [x509.ExtendedKeyUsage(usages)] if usages else []
            other = authority("CN=host", ca=False, extensions=extensions)
            files = self.put(other.key, other.certificate)
            if fits:
                load_host(files, NOON)
            else:
                self.refused(load_host, files, self.certificate, "not for TLS servers", "serverAuth")

    def test_what_does_not_fit_together(self) -> None:
        issuer = authority("CN=below", authority("CN=above"))
        files = self.put(private_key(owner="other"), leaf(issuer))
        self.refused(load_host, files, self.certificate, "does not belong to the key")
        files = self.put(private_key(), leaf(issuer), *issuer.issuers)
        self.refused(load_host, files, self.certificate, "has 'CN=above' where the issuer should follow")

    def test_keys_that_clients_refuse(self) -> None:
        weak = rsa.generate_private_key(65537, 1024)
        files = self.put(weak, make_root(weak, NOON, SERIAL).certificate)
        self.refused(load_host, files, self.certificate, "RSA with 1024 bits", "use RSA of 2048")

    def test_a_passphrase_that_is_missing(self) -> None:
        files = self.put(private_key(), leaf(root()), passphrase="sesame")
        self.refused(load_host, files, self.key, "encrypted key", "--cert-key-pass-file")
        self.refused(load_keystore, files, self.key, "encrypted key", "decrypt it", "REMBUS_KEYSTORE")


class TrustedTests(OwnCase):
    def test_all_that_are_valid_authorities(self) -> None:
        past = authority("CN=past", valid=(NOON - 2 * DAY, NOON - DAY)).certificate
        self.put(root().key, past, leaf(root()), root().certificate)
        self.assertEqual(load_trusted(self.certificate, NOON), (root().certificate,))

    def test_what_is_none(self) -> None:
        for chain, words in (([], "no PEM certificate"), ([leaf(root())], "no valid certificate of a")):
            self.put(root().key, *chain)
            self.refused(load_trusted, self.certificate, self.certificate, words)

    def test_a_private_key_beside_it_may_be_a_mistake(self) -> None:
        self.certificate.write_bytes(write_certificates([root().certificate]) + write_key(root().key))
        self.refused(load_trusted, self.certificate, self.certificate, "holds a private key", "--ca-cert-key")


class StampTests(OwnCase):
    def test_it_changes_with_what_is_in_the_place(self) -> None:
        files = self.put(root().key, root().certificate)
        seen = [stamp(files)]
        self.assertEqual(stamp(files), seen[0])
        self.key.write_bytes(self.key.read_bytes() + b"\n")
        seen.append(stamp(files))
        os.utime(self.key, ns=(1, 1))
        seen.append(stamp(files))
        other = self.directory / "other"
        other.write_bytes(self.certificate.read_bytes())
        other.replace(self.certificate)
        seen.append(stamp(files))
        self.key.unlink()
        seen.append(stamp(files))
        self.assertEqual(len(set(seen)), 5)

    def test_a_link_is_followed(self) -> None:
        for name, content in (("one", b"1"), ("two", b"2")):
            (self.directory / name).write_bytes(content)
        self.key.symlink_to("one")
        before = stamp(PairFiles(self.key))
        self.key.unlink()
        self.key.symlink_to("two")
        self.assertNotEqual(stamp(PairFiles(self.key)), before)


class PermissionTests(OwnCase):
    def test_others(self) -> None:
        self.put(private_key(KeyType.P256), root().certificate)
        for mode, others in ((0o600, False), (0o640, False), (0o604, True)):
            self.key.chmod(mode)
            self.assertEqual(others_can_read(self.key), others)
        self.assertFalse(others_can_read(self.directory / "none"))
