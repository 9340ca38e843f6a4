"""How it is with one certificate, for people and for programs: a value and its JSON form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Self

from pkid.agent import CertificateService
from pkid.installer.hook import HookState
from pkid.installer.wanted import WantedCertificate

__all__ = ["CertificateState", "Status"]


class CertificateState(Enum):
    """What there is."""

    MISSING = "missing"
    """None was got yet."""
    VALID = "valid"
    EXPIRED = "expired"
    """The last one has ended, and the core could not be reached for another."""


@dataclass(frozen=True, slots=True)
class Status:
    """How it is with one certificate; instants are written as in RFC 3339, in UTC.

    :ivar serial: the certificate's serial number, in hex.
    :ivar next_renewal: from when on it is to be renewed.
    :ivar error: why the last attempt to get, renew or write one failed, if it did.
    :ivar ok: whether there is nothing to look after: it is valid and written, and neither the last attempt nor the hook
        failed.
    """

    name: str
    common_name: str
    names: tuple[str, ...]
    directory: str
    state: str
    serial: str | None
    not_after: str | None
    next_renewal: str | None
    error: str | None
    hook: str
    hook_error: str | None
    ok: bool

    @classmethod
    def of(
        cls,
        wanted: WantedCertificate,
        certificate: CertificateService,
        hook: HookState,
        hook_error: str | None,
        now: datetime,
    ) -> Self:
        """Look at a certificate and its hook."""
        held = certificate.credential
        failed = certificate.error is not None or hook_error is not None
        state = _state(None if held is None else held.not_after, now)
        names = wanted.subject.names
        return cls(
            name=wanted.name,
            common_name=wanted.subject.common_name,
            names=(*names.dns, *map(str, names.ip), *names.uri),
            directory=str(wanted.directory),
            state=state.value,
            serial=None if held is None else f"{held.certificate.serial_number:x}",
            not_after=None if held is None else _instant(held.not_after),
            next_renewal=None if held is None else _instant(certificate.due),
            error=certificate.error,
            hook=hook.value,
            hook_error=hook_error,
            ok=state is CertificateState.VALID and certificate.kept and not failed,
        )

    def line(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def _state(not_after: datetime | None, now: datetime) -> CertificateState:
    if not_after is None:
        return CertificateState.MISSING
    return CertificateState.VALID if now < not_after else CertificateState.EXPIRED


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
