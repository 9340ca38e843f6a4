"""The two ways in which connections of the Rembus door are framed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkid.broker.effects import CloseReason
from pkid.errors import Malformed, PkidError, Refused
from pkid.rembus.frames import FrameReader
from pkid.rembus.handshake import Handshake, refusal
from pkid.rembus.protocol import RembusProtocol
from pkid.rembus.websocket import CloseCode, Opcode, WebSocketReader, read_close, websocket_frame, write_close

if TYPE_CHECKING:
    from pkid.rembus.factory import RembusFactory

__all__ = ["PlainProtocol", "WebSocketProtocol"]

_CODES = {
    CloseReason.LEFT: CloseCode.NORMAL,
    CloseReason.IDLE: CloseCode.GOING_AWAY,
    CloseReason.DRAINING: CloseCode.GOING_AWAY,
    CloseReason.MALFORMED: CloseCode.PROTOCOL_ERROR,
    CloseReason.LOGIN_SIZE: CloseCode.TOO_BIG,
    CloseReason.REPLACED: CloseCode.OVERWRITTEN,
    CloseReason.OVERFLOW: CloseCode.TRY_AGAIN_LATER,
    CloseReason.BUSY: CloseCode.TRY_AGAIN_LATER,
    CloseReason.STORE: CloseCode.TRY_AGAIN_LATER,
}


class PlainProtocol(RembusProtocol):
    """A plain stream: CBOR alone, and no way to ask whether anybody is there but the keep-alive of TCP."""

    def __init__(self, factory: RembusFactory) -> None:
        super().__init__(factory)
        self._reader = reader = FrameReader(factory.budget.message)
        self._read = lambda data: [(Opcode.BINARY, message) for message in reader.feed(data)]

    def _watch_silence(self) -> None:
        self._vigil.stop()

    def _limit(self, size: int) -> None:
        self._reader.limit = size


class WebSocketProtocol(RembusProtocol):
    """A WebSocket: CBOR in binary messages, JSON-RPC in texts."""

    _code: CloseCode | None = None

    def __init__(self, factory: RembusFactory) -> None:
        super().__init__(factory)
        self._handshake: Handshake | None = None
        self._reader = WebSocketReader(factory.budget.message)
        self._read = self._reader.feed

    def _shake_hands(self) -> None:
        self._handshake = Handshake()

    def _go_through_handshake(self, data: bytes) -> bytes:
        """Answer the request once it is there, or turn it down, and return what follows upon it."""
        assert self._handshake is not None, "no bytes before the handshake of TLS"
        try:
            answered = self._handshake.feed(data)
        except (Malformed, Refused) as error:
            self._fail(error)
            return b""
        if answered is None:
            return b""
        answer, rest = answered
        self._outgoing.write(answer)
        self._begin()
        return rest

    def _limit(self, size: int) -> None:
        self._reader.limit = size

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._outgoing.write(websocket_frame(Opcode.PONG, payload))
        elif opcode is Opcode.CLOSE:
            read_close(payload)
            self._expire(CloseReason.LEFT)

    def _ask(self) -> None:
        self._outgoing.write(websocket_frame(Opcode.PING, b""))

    def _say_goodbye(self, reason: CloseReason) -> None:
        code = self._code or _CODES.get(reason, CloseCode.POLICY_VIOLATION)
        self._outgoing.write(write_close(code, "overwritten" if code is CloseCode.OVERWRITTEN else reason.sentence))

    def _fail(self, error: PkidError) -> None:
        if self._session is None and isinstance(error, Malformed | Refused):
            self._outgoing.write(refusal(error))
        elif isinstance(error, Refused):
            self._code = CloseCode.TOO_BIG
        super()._fail(error)
