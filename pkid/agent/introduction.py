"""The certificate by which a component that has none yet is known to the core: one that an operator got for it.

Reads its files, and says in one line what is wrong with them. Everything here blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pkid.agent.credential import Credential
from pkid.ca.enrollment import Enrollment
from pkid.ca.pem import WrongPassphrase, read_certificates, read_key
from pkid.ca.trust import names_of
from pkid.errors import StateError, Unusable, about
from pkid.files import read_regular

__all__ = ["Introduction"]


@dataclass(frozen=True, slots=True)
class Introduction:
    """Where that certificate and its key are, in PEM form; it may be in use elsewhere, and is left as it is."""

    certificate: Path
    """The file with the certificate, and those of its issuers up to the CA."""
    key: Path
    """The file with the key; it may be the same."""
    passphrase: str | None = field(default=None, repr=False)
    """What the key is encrypted with, if it is."""

    def read(self) -> Credential:
        """Read both files, as they are now.

        :raises StateError: when one cannot be used, or they do not belong together.
        """
        with about(self.certificate):
            certificate, *intermediates = read_certificates(read_regular(self.certificate))
        with about(self.key):
            try:
                key = read_key(read_regular(self.key), self.passphrase)
            except WrongPassphrase as error:
                raise Unusable(error.problem, "give its passphrase by --cert-key-pass-file") from None
        if certificate.public_key() != key.public_key():
            problem = f"begins with a certificate that does not belong to the key in {self.key}"
            raise StateError(self.certificate, problem, "give the key's own certificate")
        return Credential(key, certificate, tuple(intermediates))

    def credential(self, enrollment: Enrollment, now: datetime) -> Credential:
        """Return the certificate, if it can get the wanted one: the core lets it be renewed, for no more names.

        :param now: aware UTC.
        :raises StateError: otherwise.
        """
        read, asked = self.read(), enrollment.names
        held = names_of(read.certificate)
        missing = [each for each in (*asked.dns, *asked.ip, *asked.uri) if each not in (*held.dns, *held.ip, *held.uri)]
        if missing:
            raise StateError(
                self.certificate, f"does not hold the name {missing[0]}", "give one for all names that are wanted"
            )
        if not read.not_before <= now < read.not_after:
            until = f"{read.not_after:%Y-%m-%d %H:%M} UTC"
            raise StateError(self.certificate, f"is not valid now, but until {until}", "give one that is")
        return read
