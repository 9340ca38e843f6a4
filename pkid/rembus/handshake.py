"""The opening handshake of a WebSocket (RFC 6455, section 4), the server's side.

The request is read by wsproto, over h11. A web page is not let in: the pages of any site could talk to a broker that
only their reader can reach.
"""

from __future__ import annotations

import re

from wsproto import ConnectionType
from wsproto.events import AcceptConnection, Request
from wsproto.handshake import H11Handshake
from wsproto.utilities import ProtocolError

from pkid.errors import Malformed, Reason, Refused

__all__ = ["Handshake", "refusal"]

_END = b"\r\n\r\n"
_LONGEST = 8192
_UNFIT = re.compile(rb"[^\x00-\x7f]|\n[ \t]|\nhost:[^\n]{300}", re.IGNORECASE)
"""What wsproto would stumble over, or decode in a time that grows with the square of the length; no client sends it."""


class Handshake:
    """Reads one request and answers it."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Return the answer to the request, and what follows upon the request, once all of that is there.

        :raises Malformed: ``bad-message`` when it is no request for a WebSocket.
        :raises Refused: ``limit`` when it is too long, ``cross-origin`` when a web page sends it.
        """
        searched = max(0, len(self._received) - len(_END))
        self._received += data
        end = self._received.find(_END, searched)
        if (len(self._received) if end < 0 else end) > _LONGEST:
            raise Refused(Reason.LIMIT, f"{_LONGEST} bytes for a request")
        if end < 0:
            return None
        end += len(_END)
        return _answer(bytes(self._received[:end])), bytes(self._received[end:])


def refusal(error: Malformed | Refused) -> bytes:
    """Return what is answered to a request that is not accepted, before the connection is closed."""
    status = "403 Forbidden" if error.reason is Reason.CROSS_ORIGIN else "400 Bad Request"
    text = f"{error}\n".encode("ascii", "replace")
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + text


def _answer(request: bytes) -> bytes:
    if _UNFIT.search(request):
        raise _wrong()
    handshake = H11Handshake(ConnectionType.SERVER)
    try:
        handshake.receive_data(request)
        for event in handshake.events():
            if isinstance(event, Request):
                if any(name.lower() == b"origin" for name, _ in event.extra_headers):
                    raise Refused(Reason.CROSS_ORIGIN)
                return handshake.send(AcceptConnection())
    except (ProtocolError, UnicodeError):
        pass
    raise _wrong()


def _wrong() -> Malformed:
    return Malformed(Reason.BAD_MESSAGE, "it is no request for a WebSocket")
