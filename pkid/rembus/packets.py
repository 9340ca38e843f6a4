"""The messages of the Rembus protocol as values, whichever way they are encoded."""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import Protocol, final

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.values import value

__all__ = [
    "NOTHING",
    "Ack",
    "Ack2",
    "Admin",
    "Attestation",
    "Codec",
    "Identity",
    "Kind",
    "Packet",
    "Publication",
    "Register",
    "Request",
    "Response",
    "Status",
    "Unregister",
]


NOTHING = Payload(PayloadKind.CBOR, b"\xf6")
"""No payload: null."""

_SLOT = 0xFFFFFFFF


class Kind(IntEnum):
    """The types of messages."""

    IDENTITY = 0
    PUBLICATION = 1
    REQUEST = 2
    ADMIN = 3
    RESPONSE = 4
    ACK = 5
    ACK2 = 6
    UNREGISTER = 9
    REGISTER = 10
    ATTESTATION = 11


class Status(IntEnum):
    """What a response says came of a request; clients know no others."""

    OK = 0
    ERROR = 10
    CHALLENGE = 11
    METHOD_EXCEPTION = 40
    METHOD_NOT_FOUND = 42
    METHOD_UNAVAILABLE = 43
    METHOD_LOOPBACK = 44
    TARGET_NOT_FOUND = 45
    TARGET_DOWN = 46
    UNKNOWN_ADMIN_CMD = 47
    NAME_ALREADY_TAKEN = 60


@value
class Identity:
    """A client says its name.

    :ivar id: 64 bits that whoever asks makes up, here and in all packets; the answer has the same.
    """

    id: int
    cid: str


@value
class Attestation:
    """A client proves its name."""

    id: int
    cid: str
    signature: bytes = field(repr=False)


@value
class Register:
    """A client gives a name its first key."""

    id: int
    cid: str
    pin: str = field(repr=False)
    key: bytes
    key_type: int


@value
class Unregister:
    """A client has its key forgotten."""

    id: int


@value
class Publication:
    """Something published, on its way to the broker or to a subscriber."""

    id: int
    """0 where it has none."""
    topic: str
    data: Payload
    qos: QoS = QoS.AT_MOST_ONCE
    slotted: bool = False
    """Whether the id's low 32 bits are a mark of the publisher's."""

    @property
    def slot(self) -> int | None:
        """The publisher's mark."""
        return self.id & _SLOT if self.slotted else None


@value
class Request:
    """A call, on its way to the broker or to an exposer."""

    id: int
    topic: str
    target: str | None
    """The component that is to answer."""
    data: Payload


@value
class Admin:
    """A command to the broker; what it is, its data says."""

    id: int
    topic: str
    data: object


@final
@value
class Response:
    """The answer to a request."""

    id: int
    status: int
    data: Payload = NOTHING


@value
class Ack:
    """A publication arrived."""

    id: int


@value
class Ack2:
    """The acknowledgement of an exactly-once publication arrived."""

    id: int


Packet = Identity | Attestation | Register | Unregister | Publication | Request | Admin | Response | Ack | Ack2
"""One message."""


class Codec(Protocol):
    """A way to write packets."""

    def encode(self, packet: Packet) -> bytes:
        """Return a packet as it goes over the wire."""
