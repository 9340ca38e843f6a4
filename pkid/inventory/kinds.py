"""The kinds of resource that there are, and what each has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

__all__ = [
    "AUTHORITY",
    "CERTIFICATE",
    "CORE",
    "CREDENTIAL",
    "KIND",
    "KINDS",
    "Derivation",
    "Field",
    "Kind",
    "Resource",
    "Type",
    "field_names",
]

Value = str | int | bool | datetime | timedelta | None
"""What a field holds: an instant is aware UTC, ``None`` is an absent value."""

Resource = Mapping[str, Value]
"""One thing that a core knows: values by the names of its kind's fields."""


class Type(Enum):
    """What the values of a field are, as the grammar's errors say it."""

    TEXT = "a text"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    INSTANT = "a time, as 2031-05-06, 2031-05-06T12:00:00Z, or from now on as 30d or -12h"
    DURATION = "a duration, as 90s, 15m, 12h, 30d, 2w"
    SERIAL = "a serial number in hexadecimal digits"
    DIGEST = "a SHA-256 in 64 hexadecimal digits"


class Derivation(Enum):
    """How a field follows from an instant and the time of the search."""

    AGE = "the duration since the instant"
    PAST = "whether the instant is over"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind.

    :ivar origin: the instant that it is derived from; empty for a field with values of its own.
    """

    name: str
    type: Type
    info: str
    derivation: Derivation | None = None
    origin: str = ""


KIND = Field("kind", Type.TEXT, "the name of its kind")
"""What every resource has."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource.

    :ivar identity: the field whose value no two resources of the kind share.
    :ivar shown: the fields that tell most, in the order in which they are listed.
    """

    name: str
    info: str
    identity: str
    shown: tuple[str, ...]
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Return the field of this name, if the kind has it."""
        return next((field for field in (KIND, *self.fields) if field.name == name), None)

    @property
    def stored(self) -> tuple[Field, ...]:
        """The fields with values of their own, which a source gives."""
        return tuple(field for field in self.fields if field.derivation is None)


CERTIFICATE = Kind(
    "certificate",
    "a certificate that was signed, and is still in the ledger",
    "serial",
    ("name", "serial", "not_after"),
    (
        Field("serial", Type.SERIAL, "its serial number, 40 digits"),
        Field("name", Type.TEXT, "the component's name"),
        Field("proven", Type.BOOLEAN, "whether the certificate carries the name as its identity"),
        Field("profile", Type.TEXT, "what it was made as: component or core"),
        Field("credential", Type.TEXT, "who asked, as psk:default"),
        Field("sha256", Type.DIGEST, "its fingerprint"),
        Field("issued_at", Type.INSTANT, "when it was signed"),
        Field("not_before", Type.INSTANT, "the start of its validity"),
        Field("not_after", Type.INSTANT, "the end of its validity"),
        Field("renews", Type.SERIAL, "the serial number of the certificate that it renews"),
        Field("origin", Type.TEXT, "who asked for the first of its chain of renewals, as psk:default"),
        Field("age", Type.DURATION, "for how long it exists", Derivation.AGE, "issued_at"),
        Field("expired", Type.BOOLEAN, "whether its validity has ended", Derivation.PAST, "not_after"),
    ),
)

CREDENTIAL = Kind(
    "credential",
    "what components prove themselves with",
    "name",
    ("name", "role", "expires"),
    (
        Field("name", Type.TEXT, "its name, as psk:default"),
        Field("role", Type.TEXT, "what its holders may do"),
        Field("expires", Type.INSTANT, "when it ends"),
        Field("expired", Type.BOOLEAN, "whether it has ended", Derivation.PAST, "expires"),
    ),
)

AUTHORITY = Kind(
    "authority",
    "a certificate authority (CA) that issues here, or did",
    "sha256",
    ("name", "sha256", "not_after", "replaced_at", "distrusted_at"),
    (
        Field("serial", Type.SERIAL, "its certificate's serial number, 40 digits"),
        Field("name", Type.TEXT, "its certificate's subject"),
        Field("sha256", Type.DIGEST, "its certificate's fingerprint"),
        Field("not_before", Type.INSTANT, "the start of its certificate's validity"),
        Field("not_after", Type.INSTANT, "the end of its certificate's validity"),
        Field("replaced_at", Type.INSTANT, "when another one took its place; absent if none has"),
        Field("distrusted_at", Type.INSTANT, "since when its certificates count no more; absent if they do"),
        Field("expired", Type.BOOLEAN, "whether its certificate's validity has ended", Derivation.PAST, "not_after"),
    ),
)

CORE = Kind(
    "core",
    "this core",
    "name",
    ("name", "version", "trust_domain", "ledger_rows"),
    (
        Field("name", Type.TEXT, "its name"),
        Field("version", Type.TEXT, "the version of pkid"),
        Field("trust_domain", Type.TEXT, "where identities belong"),
        Field("ledger_rows", Type.INTEGER, "how many certificates the ledger holds"),
        Field("ledger_bytes", Type.INTEGER, "how much room it takes on the disk"),
    ),
)

KINDS = (CERTIFICATE, CREDENTIAL, AUTHORITY, CORE)
"""All of them."""


def field_names(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Return the names of all fields that the kinds have, each once."""
    return tuple(dict.fromkeys(field.name for kind in kinds for field in (KIND, *kind.fields)))
