"""Packets as JSON-RPC 2.0, in the two dialects that clients of the protocol speak.

They differ in the key that says what a packet is, in how they write ids, and in the form of a challenge. A packet tells
which one its sender speaks, and is answered in that.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.errors import Malformed, Reason
from pkid.messaging.translation import read_json, write_json
from pkid.rembus.arguments import json_arguments, json_item
from pkid.rembus.packets import (
    NOTHING,
    Ack,
    Ack2,
    Admin,
    Attestation,
    Identity,
    Kind,
    Packet,
    Publication,
    Register,
    Request,
    Response,
    Status,
    Unregister,
)

__all__ = ["JULIA", "PYTHON", "InvalidRequest", "JsonRpc", "decode"]

_LARGEST_ID = (1 << 64) - 1
_SLOT = 0x40
_FLAGS = {QoS.AT_LEAST_ONCE: 0x10, QoS.EXACTLY_ONCE: 0x30}
_QOS = {flag | slot: qos for qos, flag in _FLAGS.items() for slot in (0, _SLOT)}
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600
_RESULTS = (Status.OK, Status.CHALLENGE)

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonRpc:
    """Writes packets in one dialect.

    :ivar kind_key: the key that says what a packet is.
    :ivar writes_text: whether ids are texts, and a challenge is a list of numbers instead of base64.
    """

    kind_key: str
    writes_text: bool

    def encode(self, packet: Packet) -> bytes:
        """Return a packet as one object."""
        if isinstance(packet, Publication):
            return self.publication(packet, json_arguments(packet.data))
        begin = f'{{"jsonrpc":"2.0","id":{self._id(packet.id)},'.encode()
        return begin + _WRITERS[type(packet)](self, packet) + b"}"

    def publication(self, packet: Publication, arguments: bytes) -> bytes:
        """Return a publication with arguments that are encoded already."""
        method = write_json(packet.topic)
        if packet.qos is QoS.AT_MOST_ONCE:
            return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (method, arguments)
        flags = _FLAGS[packet.qos] | (_SLOT if packet.slotted else 0)
        begin = f'{{"jsonrpc":"2.0","id":{self._id(packet.id)},'.encode()
        return begin + b'"method":%b,"params":{"%b":%d,"data":%b}}' % (method, self.kind_key.encode(), flags, arguments)

    def typed(self, kind: Kind | int, rest: bytes = b"") -> bytes:
        """Return an object that says what it is."""
        return f'{{"{self.kind_key}":{int(kind)}'.encode() + rest + b"}"

    def _id(self, number: int) -> str:
        return f'"{number}"' if self.writes_text else str(number)


PYTHON = JsonRpc("type", False)
JULIA = JsonRpc("__type__", True)


class InvalidRequest(Malformed):
    """What came is no packet (``bad-message``).

    :param code: the error's code (JSON-RPC 2.0, section 5.1).
    :param what: what is wrong, in ASCII.
    """

    def __init__(self, code: int, what: str) -> None:
        super().__init__(Reason.BAD_MESSAGE, what)
        self.code = code

    def encode(self) -> bytes:
        """Return the answer to it; which request it was, nobody can tell."""
        error = {"code": self.code, "message": self.subject}
        return write_json({"jsonrpc": "2.0", "id": None, "error": error})


def decode(text: str | bytes) -> tuple[Packet, JsonRpc | None]:
    """Return the packet that a message holds, and the dialect that it is in, if it tells.

    :raises InvalidRequest: when it holds none.
    """
    try:
        message = read_json(text)
    except ValueError:
        raise InvalidRequest(_PARSE_ERROR, "it is no JSON") from None
    if isinstance(message, list):
        raise InvalidRequest(_INVALID_REQUEST, "batches are not taken; send one request in each message")
    try:
        return _decode(message)
    except (KeyError, TypeError, ValueError):
        raise InvalidRequest(_INVALID_REQUEST, "it is no JSON-RPC of this protocol") from None


def _decode(message: Any) -> tuple[Packet, JsonRpc | None]:
    if not isinstance(message, dict):
        raise TypeError
    spoken, number = _read_id(message.get("id"))
    body = message.get("params" if "method" in message else "result" if "result" in message else "error")
    kind = None
    for dialect in (PYTHON, JULIA):
        if isinstance(body, dict) and isinstance(found := body.get(dialect.kind_key), int):
            spoken, kind = dialect, found
    if "method" in message:
        return _read_method(number, _text(message["method"]), kind, body, spoken), spoken
    if number is None:
        raise ValueError
    return _read_answer(number, kind, body), spoken


def _read_id(value: object) -> tuple[JsonRpc | None, int | None]:
    if value is None:
        return None, None
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= len(str(_LARGEST_ID)):
        dialect, number = JULIA, int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        dialect, number = PYTHON, value
    else:
        raise ValueError
    if not 0 <= number <= _LARGEST_ID:
        raise ValueError
    return dialect, number


def _read_method(number: int | None, method: str, kind: int | None, params: Any, spoken: JsonRpc | None) -> Packet:
    if number is None:
        return Publication(0, method, _payload(params))
    if kind is None:
        target, _, topic = method.rpartition("/") if spoken is JULIA else ("", "", method)
        return Request(number, topic, target or None, _payload(params))
    if kind in _QOS:
        return Publication(number, method, _payload(params.get("data")), _QOS[kind], bool(kind & _SLOT))
    return _READERS[Kind(kind)](number, method, params)


def _read_answer(number: int, kind: int | None, body: Any) -> Packet:
    match kind:
        case Kind.RESPONSE:
            return Response(number, _unsigned(body["sts"]), _payload(body.get("data")))
        case Kind.ACK:
            return Ack(number)
        case Kind.ACK2:
            return Ack2(number)
    raise ValueError


def _read_identity(number: int, method: str, params: Object) -> Packet:
    return Identity(number, _text(params["cid"]))


def _read_register(number: int, method: str, params: Object) -> Packet:
    return Register(number, method, _text(params["pin"]), _bytes(params["key_val"]), _unsigned(params["key_type"]))


def _read_attestation(number: int, method: str, params: Object) -> Packet:
    return Attestation(number, method, _bytes(params["signature"]))


_READERS: dict[Kind, Callable[[int, str, Object], Packet]] = {
    Kind.IDENTITY: _read_identity,
    Kind.ADMIN: lambda number, method, params: Admin(number, method, params.get("data")),
    Kind.REGISTER: _read_register,
    Kind.ATTESTATION: _read_attestation,
    Kind.UNREGISTER: lambda number, method, params: Unregister(number),
}


def _payload(value: object) -> Payload:
    return NOTHING if value is None else Payload(PayloadKind.JSON, write_json(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode("utf-8")  # raises for half a character, which JSON can express
    return value


def _bytes(value: object) -> bytes:
    return b64decode(_text(value), validate=True)


def _unsigned(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


# Writing


def _write_request(dialect: JsonRpc, packet: Request) -> bytes:
    to_target = packet.target is not None and dialect.writes_text
    method = f"{packet.target}/{packet.topic}" if to_target else packet.topic
    return b'"method":%b,"params":%b' % (write_json(method), json_arguments(packet.data))


def _write_response(dialect: JsonRpc, packet: Response) -> bytes:
    name = b"result" if packet.status in _RESULTS else b"error"
    if dialect.writes_text and packet.data.kind is PayloadKind.BYTES:
        data = json.dumps(list(packet.data.data)).encode()
    else:
        data = json_item(packet.data)
    return b'"%b":' % name + dialect.typed(Kind.RESPONSE, b',"sts":%d,"data":%b' % (packet.status, data))


def _write_admin(dialect: JsonRpc, packet: Admin) -> bytes:
    data = b',"data":' + write_json(packet.data)
    return b'"method":%b,"params":%b' % (write_json(packet.topic), dialect.typed(Kind.ADMIN, data))


def _write_identity(dialect: JsonRpc, packet: Identity) -> bytes:
    params = dialect.typed(Kind.IDENTITY, b',"cid":%b,"meta":{}' % write_json(packet.cid))
    return b'"method":"__identity__","params":' + params


def _write_register(dialect: JsonRpc, packet: Register) -> bytes:
    rest = b',"pin":%b,"key_val":"%b","key_type":%d' % (
        write_json(packet.pin), b64encode(packet.key), packet.key_type,
    )  # fmt: skip
    return b'"method":%b,"params":%b' % (write_json(packet.cid), dialect.typed(Kind.REGISTER, rest))


def _write_attestation(dialect: JsonRpc, packet: Attestation) -> bytes:
    rest = b',"signature":"%b","meta":{}' % b64encode(packet.signature)
    return b'"method":%b,"params":%b' % (write_json(packet.cid), dialect.typed(Kind.ATTESTATION, rest))


def _write_unregister(dialect: JsonRpc, packet: Unregister) -> bytes:
    return b'"method":"__unregister__","params":' + dialect.typed(Kind.UNREGISTER)


_WRITERS: dict[type[Packet], Callable[[JsonRpc, Any], bytes]] = {
    Request: _write_request,
    Admin: _write_admin,
    Response: _write_response,
    Ack: lambda dialect, packet: b'"result":' + dialect.typed(Kind.ACK),
    Ack2: lambda dialect, packet: b'"result":' + dialect.typed(Kind.ACK2),
    Identity: _write_identity,
    Register: _write_register,
    Attestation: _write_attestation,
    Unregister: _write_unregister,
}
