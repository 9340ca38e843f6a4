"""Messages on a WebSocket (RFC 6455), the server's side, behind the opening handshake.

No extension is spoken: a compressed message could be a thousand times as long as what is counted against its limit.
A length is compared with the limit before anything is kept.
"""

from __future__ import annotations

from enum import IntEnum

from pkid.errors import Malformed, Reason, Refused

__all__ = ["CloseCode", "Opcode", "WebSocketReader", "read_close", "websocket_frame", "write_close"]


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Why a connection is closed (section 7.4.1, and the protocol's own)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NO_STATUS = 1005
    POLICY_VIOLATION = 1008
    TOO_BIG = 1009
    TRY_AGAIN_LATER = 1013
    OVERWRITTEN = 4000


Frame = tuple[Opcode, bytes]

_FINAL, _OPCODE, _MASKED, _LENGTH = 0x80, 0x0F, 0x80, 0x7F
_OPCODES = {int(opcode): opcode for opcode in Opcode}
_LONGEST_CONTROL = 125
_integer = int.from_bytes
_MASK_SIZE = 4
_USUAL = {
    bytes((_FINAL | opcode, _MASKED | length)): (opcode, length)
    for opcode in (Opcode.TEXT, Opcode.BINARY)
    for length in range(127)
}
"""Messages, and their lengths, by how the only frame that they have begins; 126 stands for a longer length."""
_LONGEST_USUAL_HEADER = 8  # bytes, with the mask
_SHORT_HEADS = {
    opcode: tuple(bytes((_FINAL | opcode, length)) for length in range(_LONGEST_CONTROL + 1)) for opcode in Opcode
}
_EXTENDED = {126: 2, 127: 8}  # bytes of a longer length


class WebSocketReader:
    """Takes messages, pings, pongs and the close out of a stream.

    :ivar limit: how many bytes a message may have, in however many frames.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._needed = 0
        self._begun: Opcode | None = None
        self._parts = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the messages and control frames that are complete now.

        :raises Malformed: ``bad-message`` when it is no frame that a client may send.
        :raises Refused: ``limit`` when a message is too long.
        """
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
            self._needed = 0
        elif self._begun is None and (only := _read_only(data, self.limit)) is not None:
            return [only]
        found: list[Frame] = []
        position, size = self._read_whole(data, 0, found), len(data)
        while position < size and (header := self._read_header(data, position)) is not None:
            first, begin, length = header
            if begin + length > size:
                self._needed = begin + length - position
                break
            complete = self._complete(first, _unmask(data[begin - _MASK_SIZE : begin], data[begin : begin + length]))
            if complete is not None:
                found.append(complete)
            position = self._read_whole(data, begin + length, found)
        if position < size:
            self._buffer += data[position:]
        return found

    def _read_whole(self, data: bytes, position: int, found: list[Frame]) -> int:
        """Read messages that have one frame each, up to something else, as most are; return where they end."""
        size, limit = len(data), self.limit
        last = size - _LONGEST_USUAL_HEADER if self._begun is None else -1
        while position <= last:
            usual = _USUAL.get(data[position : position + 2])
            if usual is None:
                break
            opcode, length = usual
            begin = position + 6
            if length == 126:
                length, begin = data[position + 2] << 8 | data[position + 3], position + 8
            end = begin + length
            if length > limit or end > size:
                break
            found.append((opcode, _unmask(data[begin - _MASK_SIZE : begin], data[begin:end])))
            position = end
        return position

    def _read_header(self, buffer: bytes, position: int) -> tuple[int, int, int] | None:
        """Return a frame's first byte, where its payload begins and how long that is, once its header is there."""
        if len(buffer) < position + 2:
            return None
        first, second = buffer[position], buffer[position + 1]
        opcode = _OPCODES.get(first & ~_FINAL)
        if opcode is None:
            raise _wrong("an extension or a kind of frame is unknown")
        if not second & _MASKED:
            raise _wrong("a frame is not masked")
        begin, length = position + 2, second & _LENGTH
        if length > _LONGEST_CONTROL:
            if opcode >= Opcode.CLOSE:
                raise _wrong("a control frame is too long")
            end = begin + _EXTENDED[length]
            if len(buffer) < end:
                return None
            begin, length = end, int.from_bytes(buffer[begin:end], "big")
        if length + (len(self._parts) if opcode is Opcode.CONTINUATION else 0) > self.limit:
            raise Refused(Reason.LIMIT, f"{self.limit} bytes for a message")
        return first, begin + _MASK_SIZE, length

    def _complete(self, first: int, payload: bytes) -> Frame | None:
        """Return the message or control frame that a frame completes."""
        opcode, final = _OPCODES[first & _OPCODE], bool(first & _FINAL)
        if opcode >= Opcode.CLOSE:
            if not final:
                raise _wrong("a control frame is in parts")
            return opcode, payload
        if (opcode is Opcode.CONTINUATION) == (self._begun is None):
            raise _wrong("the parts of a message are out of order")
        if final and self._begun is None:
            return opcode, payload
        self._parts += payload
        begun = self._begun or opcode
        self._begun = None if final else begun
        if not final:
            return None
        message = bytes(self._parts)
        self._parts.clear()
        return begun, message


def _read_only(data: bytes, limit: int) -> Frame | None:
    """Return the message whose only frame all of the data is, as most are where one comes at a time."""
    usual = _USUAL.get(data[:2])
    if usual is None:
        return None
    opcode, length = usual
    begin = 2 + _MASK_SIZE
    if length > _LONGEST_CONTROL:
        length, begin = int.from_bytes(data[2:4], "big"), begin + 2
    if length > limit or begin + length != len(data):
        return None
    key = (data[begin - _MASK_SIZE : begin] * (length // _MASK_SIZE + 1))[:length]
    return opcode, (_integer(data[begin:], "little") ^ _integer(key, "little")).to_bytes(length, "little")


def websocket_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return a frame, final and not masked, as a server sends it."""
    length = len(payload)
    if length <= _LONGEST_CONTROL:
        return _SHORT_HEADS[opcode][length] + payload
    if length < 1 << 16:
        return bytes((_FINAL | opcode, 126, length >> 8, length & 0xFF)) + payload
    return bytes((_FINAL | opcode, 127)) + length.to_bytes(8, "big") + payload


def read_close(payload: bytes) -> int:
    """Return the code that a close frame gives.

    :raises Malformed: ``bad-message`` when it is half a code.
    """
    if len(payload) == 1:
        raise _wrong("a close frame has half a code")
    return int.from_bytes(payload[:2], "big") if payload else CloseCode.NO_STATUS


def write_close(code: int, why: str = "") -> bytes:
    """Return a close frame.

    :param why: a short sentence in ASCII.
    """
    payload = code.to_bytes(2, "big") + why.encode("ascii")[: _LONGEST_CONTROL - 2]
    return websocket_frame(Opcode.CLOSE, b"" if code == CloseCode.NO_STATUS else payload)


def _unmask(mask: bytes, payload: bytes) -> bytes:
    """Return a payload without its mask (section 5.3): one long exclusive or instead of one for each byte."""
    size = len(payload)
    key = (mask * (size // _MASK_SIZE + 1))[:size]
    return (_integer(payload, "little") ^ _integer(key, "little")).to_bytes(size, "little")


def _wrong(what: str) -> Malformed:
    return Malformed(Reason.BAD_MESSAGE, what)
