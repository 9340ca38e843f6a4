"""The state directory: all that the core must not lose, in files that it never overwrites by mistake.

======================  =====================================================================
``ca.pem``              the CA's key and certificate, private
``ca.crt``              the CA's certificate alone, for those who want to trust it
``host.pem``            the key and certificate of the core's own doors, private
``host.crt``            in its place, the certificate of the operator's own that the doors showed last
``psk``                 the pre-shared key that the first start made, private
``decoy-key``           what makes challenges for names that have no credential, private
``trust-domain``        where identities belong; it never changes
``ledger.sqlite``       every certificate that was signed, rights and credentials (`pkid.store`)
``messages.sqlite``     the broker's kept messages, and who wants them (`pkid.store.messages`)
``addresses``           where the running core listens, one line per door
``lock``                held by the running core
======================  =====================================================================
"""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.keys import PrivateKey
from pkid.ca.names import TrustDomain
from pkid.ca.pem import WrongPassphrase, is_encrypted, read_certificates, read_key, write_certificates, write_key
from pkid.errors import Refused, StateError, Unusable
from pkid.files import PRIVATE, PUBLIC, read_private, sync_directory, write_atomically

__all__ = ["KeyPair", "StateDirectory"]

_DECOY_KEY_SIZE = 32  # bytes
_RESTORE = "restore it from a backup, or move it away if it is not pkid's"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the certificate for it."""

    key: PrivateKey = field(repr=False, compare=False)
    certificate: x509.Certificate
    issuers: tuple[x509.Certificate, ...] = ()
    """Who signed the certificate, who signed that one, and so on, as far as it is known."""

    def belongs_together(self) -> bool:
        """Tell whether the certificate is for the key."""
        return self.certificate.public_key() == self.key.public_key()


class StateDirectory:
    """An open state directory; while it is open, no other core can open it.

    :raises StateError: when it is in use, or not fit to hold secrets.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._make()
        self._lock = self._take_lock()
        for leftover in path.glob(".*.new"):  # of a write that a crash cut off
            leftover.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another core open it."""
        self.addresses.unlink(missing_ok=True)
        os.close(self._lock)

    @property
    def ledger(self) -> Path:
        """Where the ledger is."""
        return self.path / "ledger.sqlite"

    @property
    def messages(self) -> Path:
        """Where the broker's messages are."""
        return self.path / "messages.sqlite"

    @property
    def addresses(self) -> Path:
        """Where the bound addresses are written."""
        return self.path / "addresses"

    @property
    def psk_file(self) -> Path:
        """Where the pre-shared key is kept that the core made."""
        return self.path / "psk"

    def load_pair(self, name: str, passphrase: str | None = None) -> KeyPair | None:
        """Load ``NAME.pem``; ``None`` when there is none.

        :param passphrase: needed if the key is encrypted, and not used otherwise.
        :raises StateError: when it does not hold one private key and the certificate for it.
        """
        path = self.path / f"{name}.pem"
        content = read_private(path)
        if content is None:
            return None
        try:
            pair = KeyPair(read_key(content, passphrase), read_certificates(content)[0])
        except WrongPassphrase as error:
            raise StateError(path, error.problem, "give its passphrase by --ca-cert-key-pass-file") from None
        except Unusable as error:
            raise StateError(path, f"is damaged: it {error.problem}", _RESTORE) from None
        if not pair.belongs_together():
            raise StateError(path, "holds a certificate and a key that do not belong together", _RESTORE)
        return pair

    def load_certificate(self, name: str) -> x509.Certificate | None:
        """Load the certificate in ``NAME.pem`` alone, whether or not its key can be read; ``None`` when there is none.

        :raises StateError: when it holds none.
        """
        path = self.path / f"{name}.pem"
        content = read_private(path)
        try:
            return None if content is None else read_certificates(content)[0]
        except Unusable as error:
            raise StateError(path, f"is damaged: it {error.problem}", _RESTORE) from None

    def is_encrypted(self, name: str) -> bool:
        """Tell whether the key in ``NAME.pem`` is encrypted."""
        return is_encrypted(read_private(self.path / f"{name}.pem") or b"")

    def save_pair(self, name: str, pair: KeyPair, passphrase: str | None = None) -> None:
        """Write ``NAME.pem``, private, and the key encrypted if there is a passphrase."""
        content = write_key(pair.key, passphrase) + write_certificates([pair.certificate])
        self._write(f"{name}.pem", content, PRIVATE)

    def publish_certificate(self, name: str, certificate: x509.Certificate) -> None:
        """Write ``NAME.crt`` for those who want to trust it."""
        self._write(f"{name}.crt", certificate.public_bytes(Encoding.PEM), PUBLIC)

    def withdraw_certificate(self, name: str) -> None:
        """Remove ``NAME.crt``."""
        (self.path / f"{name}.crt").unlink(missing_ok=True)

    def published_certificate(self, name: str) -> x509.Certificate | None:
        """Return what ``NAME.crt`` holds, if it holds a certificate."""
        try:
            return read_certificates((self.path / f"{name}.crt").read_bytes())[0]
        except (OSError, Unusable):
            return None

    def made_after_ledger(self) -> list[Path]:
        """Return the files that prove that there was a ledger once."""
        return [path for name in ("host.pem", "host.crt") if (path := self.path / name).exists()]

    def made_after_trust_domain(self) -> Path | None:
        """Return a file that proves that there was a trust domain once, if there is one."""
        path = self.path / "ca.pem"
        return path if path.exists() else self.made_after_ca()

    def made_after_ca(self) -> Path | None:
        """Return a file that proves that there was a CA once, if there is one."""
        witnesses = (self.ledger, self.path / "host.pem", self.path / "ca.crt")
        return next((path for path in witnesses if path.exists()), None)

    def load_psk(self) -> str | None:
        """Load the pre-shared key that an earlier start made; ``None`` when there is none.

        :raises StateError: when the file does not hold one line of text.
        """
        content = read_private(self.psk_file)
        if content is None:
            return None
        try:
            psk = content.decode("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            psk = ""
        if not psk or not psk.isprintable():
            raise StateError(self.psk_file, "is damaged: it holds no line of text", _RESTORE)
        return psk

    def save_psk(self, psk: str) -> None:
        """Keep a pre-shared key that was just made."""
        self._write("psk", f"{psk}\n".encode(), PRIVATE)

    def load_decoy_key(self) -> bytes | None:
        """Load the key of the decoys (:mod:`pkid.auth.decoys`); ``None`` when there is none yet.

        :raises StateError: when the file does not hold one.
        """
        path = self.path / "decoy-key"
        content = read_private(path)
        if content is None:
            return None
        try:
            key = bytes.fromhex(content.decode("ascii"))
        except ValueError:
            key = b""
        if len(key) != _DECOY_KEY_SIZE:
            raise StateError(path, "is damaged: it holds no key", "remove it, and the next start makes another")
        return key

    def save_decoy_key(self, key: bytes) -> None:
        """Keep the key of the decoys."""
        self._write("decoy-key", f"{key.hex()}\n".encode(), PRIVATE)

    def load_trust_domain(self) -> TrustDomain | None:
        """Load the trust domain; ``None`` at the first start.

        :raises StateError: when the file holds none.
        """
        path = self.path / "trust-domain"
        try:
            return TrustDomain(path.read_text("utf-8").removesuffix("\n"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, Refused):
            raise StateError(path, "is damaged: it holds no trust domain", _RESTORE) from None

    def save_trust_domain(self, trust_domain: TrustDomain) -> None:
        """Keep the trust domain for all time."""
        self._write("trust-domain", f"{trust_domain.name}\n".encode(), PUBLIC)

    def save_addresses(self, lines: list[str]) -> None:
        """Write where the doors listen, one line each."""
        self._write("addresses", "".join(f"{line}\n" for line in lines).encode(), PUBLIC)

    def _write(self, name: str, content: bytes, mode: int) -> None:
        path = self.path / name
        try:
            write_atomically(path, content, mode)
        except OSError as error:
            raise StateError(path, f"cannot be written ({error.strerror})", "make room or give access") from error

    def _make(self) -> None:
        try:
            if not self.path.is_dir():
                self.path.mkdir(0o700, parents=True)
                sync_directory(self.path.parent)
            found = self.path.stat()
        except OSError as error:
            raise StateError(
                self.path, f"cannot be made or read ({error.strerror})", "choose another directory with --state"
            ) from error
        if found.st_uid not in (os.geteuid(), 0):
            raise StateError(self.path, "belongs to another user", "run pkid as that user, or run chown -R on it")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise StateError(self.path, "may be written by others", "run chmod 700 on it, or choose another --state")

    def _take_lock(self) -> int:
        path = self.path / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise StateError(path, f"cannot be opened ({error.strerror})", "give the core access to it") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StateError(
                self.path, f"is in use by another pkid (process {owner})", "stop that one, or choose another --state"
            ) from None
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise StateError(path, f"cannot be written ({error.strerror})", "make room or give access") from error
        return descriptor

    def __enter__(self) -> Self:
        """Leave it open for a block."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it after the block."""
        self.close()
