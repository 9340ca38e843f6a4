"""How long it takes to read and to write a message on a WebSocket: pkid's own frames, and wsproto's.

.venv/bin/python bench/websocket.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage

from pkid.rembus.websocket import Opcode, WebSocketReader, websocket_frame

MESSAGE = b"x" * 115
BATCH = 64  # messages that come together
NUMBER = 200 * BATCH


def microseconds(work: Callable[[], object], each: int) -> float:
    """Return how long a message takes, of so many in each turn of the work: the best of some tries."""
    tries = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(NUMBER // each):
            work()
        tries.append((time.process_time() - began) / NUMBER)
    return 1e6 * min(tries)


def main() -> None:
    """Measure both."""
    sent = Connection(ConnectionType.CLIENT).send(BytesMessage(MESSAGE)) * BATCH
    reader, server = WebSocketReader(1 << 20), Connection(ConnectionType.SERVER)

    def read() -> None:
        server.receive_data(sent)
        for _ in server.events():
            pass

    for name, reading, writing in (
        ("pkid", lambda: reader.feed(sent), lambda: websocket_frame(Opcode.BINARY, MESSAGE)),
        ("wsproto", read, lambda: server.send(BytesMessage(MESSAGE))),
    ):
        print(f"{name:8} read {microseconds(reading, BATCH):5.2f} us, write {microseconds(writing, 1):5.2f} us")


if __name__ == "__main__":
    main()
