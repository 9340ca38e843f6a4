"""The load of requests, against a server that answers as it is told."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from socket import create_server
from tempfile import TemporaryDirectory
from threading import Thread

from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import Skipped
from bench.suite.peers.certificates import write_server_certificate
from tests.support import Case

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"
BAD = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
ASKED = request("GET", "/")


class LoadTests(Case):
    def setUp(self) -> None:
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(write_server_certificate(Path(folder.name)))
        self.listening = create_server(("127.0.0.1", 0))
        self.addCleanup(self.listening.close)
        self.asked = 0

    def serve(self, *answers: bytes, connections: int = 1) -> Target:
        """Answer requests so, until all connections ended."""
        left = iter(answers)
        self.servers = [Thread(target=self.answer, args=(left,)) for _ in range(connections)]
        for server in self.servers:
            server.start()
            self.addCleanup(server.join)
        return Target(self.listening.getsockname()[1], os.getpid(), connections)

    def answer(self, left: Iterator[bytes]) -> None:
        plain, _ = self.listening.accept()
        with self.context.wrap_socket(plain, server_side=True) as connection:
            try:
                while connection.recv(4096):
                    connection.sendall(next(left))
                    self.asked += 1
            except OSError:
                pass  # the client leaves without a word

    def was_asked(self, times: int) -> None:
        for server in self.servers:
            server.join()
        self.assertEqual(self.asked, times)

    def test_good_answers_are_counted_as_long_as_there_are_requests(self) -> None:
        found = requests_per_second(self.serve(GOOD, GOOD, GOOD), [ASKED] * 3, 60)
        self.assertGreater(found["requests/s"], 0)
        self.assertNotIn("503", found)
        self.was_asked(3)

    def test_there_may_be_more_connections_than_requests(self) -> None:
        requests_per_second(self.serve(GOOD, connections=4), [ASKED], 60)
        self.was_asked(1)

    def test_who_is_told_to_come_again_asks_no_more_and_is_counted_apart(self) -> None:
        found = requests_per_second(self.serve(GOOD, BUSY), [ASKED] * 3, 60)
        self.assertEqual(found["503"], 1)
        self.was_asked(2)

    def test_another_answer_is_no_measurement(self) -> None:
        self.assertRaises(Skipped, requests_per_second, self.serve(GOOD, BAD), [ASKED] * 3, 60)
        self.was_asked(2)
