"""One client's packets as commands to the broker, and the broker's replies as packets.

Pure. What a packet means is said here once, for all encodings and framings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2

from pkid.auth.proofs import PlainProof
from pkid.auth.registration import Registration
from pkid.broker.commands import (
    Acknowledge,
    Answer,
    Call,
    Command,
    Complete,
    Identify,
    Inspect,
    Prove,
    Publish,
    Register,
    Unregister,
)
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.replies import Acknowledged, Challenge, Done, Failed, Greet, Release, Reply, Welcome
from pkid.errors import PkidError, Reason, Refused
from pkid.rembus import packets
from pkid.rembus.administration import UnknownCommand, describe, read_command
from pkid.rembus.names import Numbering, component_of
from pkid.rembus.packets import Packet, Response, Status

__all__ = ["GREETING", "Conversation"]

GREETING = 0x12345678DEADBEEF
"""The id of the challenge that comes unasked, where only proven names are served."""

_OK = int(Status.OK)
_STATUSES = {
    Reason.NOT_EXPOSED: Status.METHOD_NOT_FOUND,
    Reason.NO_EXPOSER: Status.METHOD_UNAVAILABLE,
    Reason.EXPOSER_LOST: Status.METHOD_UNAVAILABLE,
    Reason.LOOPBACK: Status.METHOD_LOOPBACK,
    Reason.TARGET_UNKNOWN: Status.TARGET_NOT_FOUND,
    Reason.TARGET_DOWN: Status.TARGET_DOWN,
    Reason.NAME_TAKEN: Status.NAME_ALREADY_TAKEN,
}
_WORDS = {
    Reason.FORBIDDEN: "unauthorized",
    Reason.NOT_ADMIN: "unauthorized",
    Reason.NAME_IN_USE: "already connected",
    Reason.WRONG_PIN: "wrong tenant/pin",
}


class Conversation:
    """What is said on one connection.

    :param server: the core's name, which a client may call as a target.
    :param numbering: which ids stand for which messages at this door.
    """

    def __init__(self, server: str, numbering: Numbering) -> None:
        self._server = server
        self._numbering = numbering
        self._looking: dict[int, str] = {}
        self._acknowledged = (0, 0)

    def hear(self, packet: Packet) -> Command | Response:
        """Return what a packet asks of the broker, or the answer to what never gets that far."""
        return self._HEARD[type(packet)](self, packet)

    def tell(self, reply: Reply) -> Packet | None:
        """Return what the client is told; nothing when its protocol has no word for it."""
        match reply:
            case Acknowledged(request=int(id)):
                return packets.Ack(id)
            case Failed(request=int(id), reason=reason, subject=subject):
                self._looking.pop(id, None)
                return _failure(id, reason, subject)
            case Done(request=int(id), value=value):
                return Response(id, Status.OK, self._value(id, value))
            case Release(number):
                last, id = self._acknowledged
                return packets.Ack2(id if number == last else number)
            case Greet(challenge):
                return Response(GREETING, Status.CHALLENGE, Payload(PayloadKind.BYTES, challenge))
            case Challenge(request=int(id), challenge=bytes(challenge)):
                return Response(id, Status.CHALLENGE, Payload(PayloadKind.BYTES, challenge))
            case Welcome(request=int(id)):
                return Response(id, Status.OK)
        return None

    def _identify(self, packet: packets.Identity) -> Command:
        return Identify(packet.id, component_of(packet.cid))

    def _prove(self, packet: packets.Attestation) -> Command:
        return Prove(packet.id, component_of(packet.cid), PlainProof(packet.signature))

    def _register(self, packet: packets.Register) -> Command:
        return Register(packet.id, component_of(packet.cid), Registration(packet.key, packet.pin))

    def _publish(self, packet: packets.Publication) -> Command:
        request = None if packet.qos is QoS.AT_MOST_ONCE else packet.id
        return Publish(request, packet.topic, packet.data, len(packet.data.data), packet.qos, packet.slot)

    def _call(self, packet: packets.Request) -> Command:
        data, target = packet.data, packet.target
        if target is not None:
            target = component_of(target)
            if target == self._server:
                target = None
        return Call(packet.id, packet.topic, data, len(data.data), target)

    def _administer(self, packet: packets.Admin) -> Command | Response:
        try:
            command = read_command(packet)
        except UnknownCommand:
            return Response(packet.id, Status.UNKNOWN_ADMIN_CMD)
        except PkidError as error:
            return _failure(packet.id, error.reason, error.subject)
        if isinstance(command, Inspect):
            assert isinstance(packet.data, dict)
            self._looking[packet.id] = packet.data["cmd"]
        return command

    def _answer(self, packet: Response) -> Command:
        data = packet.data
        return Answer(None, packet.id, data, len(data.data), packet.status != _OK)

    def _acknowledge(self, packet: packets.Ack) -> Command:
        number = self._numbering.number_of(packet.id)
        self._acknowledged = number, packet.id
        return Acknowledge(None, number)

    def _value(self, id: int, value: object) -> Payload:
        if id not in self._looking:
            return packets.NOTHING
        return Payload(PayloadKind.CBOR, cbor2.dumps(describe(self._looking.pop(id), value)))

    _HEARD: dict[type[Packet], Callable[[Conversation, Any], Command | Response]] = {  # noqa: RUF012
        packets.Publication: _publish,
        packets.Request: _call,
        packets.Response: _answer,
        packets.Ack: _acknowledge,
        packets.Ack2: lambda self, packet: Complete(packet.id),
        packets.Admin: _administer,
        packets.Identity: _identify,
        packets.Attestation: _prove,
        packets.Unregister: lambda self, packet: Unregister(packet.id),
        packets.Register: _register,
    }


def _failure(id: int, reason: Reason, subject: str) -> Response:
    status = _STATUSES.get(reason, Status.ERROR)
    if status in {Status.ERROR, Status.NAME_ALREADY_TAKEN}:
        text = _WORDS.get(reason) or str(Refused(reason, subject))
    else:
        text = subject.strip("'")
    return Response(id, status, Payload(PayloadKind.TEXT, text.encode("utf-8")))
