"""The messages of the Rembus protocol as values, whichever way they are encoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind

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


@dataclass(frozen=True, slots=True)
class Packet:
    """One message.

    :ivar id: 64 bits that whoever asks makes up; the answer has the same.
    """

    id: int


@dataclass(frozen=True, slots=True)
class Identity(Packet):
    """A client says its name."""

    cid: str


@dataclass(frozen=True, slots=True)
class Attestation(Packet):
    """A client proves its name."""

    cid: str
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Register(Packet):
    """A client gives a name its first key."""

    cid: str
    pin: str = field(repr=False)
    key: bytes
    key_type: int


@dataclass(frozen=True, slots=True)
class Unregister(Packet):
    """A client has its key forgotten."""


@dataclass(frozen=True, slots=True)
class Publication(Packet):
    """Something published, on its way to the broker or to a subscriber.

    :ivar id: 0 where it has none.
    :ivar slotted: whether the id's low 32 bits are a mark of the publisher's.
    """

    topic: str
    data: Payload
    qos: QoS = QoS.AT_MOST_ONCE
    slotted: bool = False

    @property
    def slot(self) -> int | None:
        """The publisher's mark."""
        return self.id & _SLOT if self.slotted else None


@dataclass(frozen=True, slots=True)
class Request(Packet):
    """A call, on its way to the broker or to an exposer.

    :ivar target: the component that is to answer.
    """

    topic: str
    target: str | None
    data: Payload


@dataclass(frozen=True, slots=True)
class Admin(Packet):
    """A command to the broker; what it is, its data says."""

    topic: str
    data: object


@dataclass(frozen=True, slots=True)
class Response(Packet):
    """The answer to a request."""

    status: int
    data: Payload = NOTHING


@dataclass(frozen=True, slots=True)
class Ack(Packet):
    """A publication arrived."""


@dataclass(frozen=True, slots=True)
class Ack2(Packet):
    """The acknowledgement of an exactly-once publication arrived."""


class Codec(Protocol):
    """A way to write packets."""

    def encode(self, packet: Packet) -> bytes:
        """Return a packet as it goes over the wire."""
