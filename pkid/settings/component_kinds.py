"""The kinds of value that only components' settings have; as in :mod:`pkid.settings.kinds`."""

from __future__ import annotations

from pkid.ca.names import common_name
from pkid.ca.trust import read_fingerprint
from pkid.errors import Refused
from pkid.origin import Origin
from pkid.settings import kinds

__all__ = ["core_address", "fingerprint", "subject"]


def core_address(value: object) -> str:
    """Read the address of a core, with ``/psk/NAME`` behind it if that stands there."""
    try:
        return Origin.of(kinds.text(value)).address
    except ValueError:
        raise ValueError(f"must be an address such as https://core.example:8900, not {value!r}") from None


def fingerprint(value: object) -> str:
    """Read the SHA-256 of a CA certificate."""
    return read_fingerprint(kinds.text(value))


def subject(value: object) -> str:
    """Read a common name."""
    try:
        return common_name(kinds.text(value))
    except Refused:
        raise ValueError(f"must be a common name of 1 to 64 characters, not {value!r}") from None
