"""When a script's client asks a core again, and when no more."""

from __future__ import annotations

from pkid.client import Busy, Client, CoreError, Rejected, Unreachable
from tests.certificates import PSK
from tests.scripted import Scripted, Step, http, scripted
from tests.test_client import BUSY, ClientCase


class PatienceTests(ClientCase):
    def ask(self, *answers: Step) -> Scripted:
        with scripted(*answers) as server, self.assertRaises(CoreError) as caught:
            self.client(server).ca_cert()
        self.error = caught.exception
        return server

    def test_a_busy_core_is_asked_again_as_it_wishes(self) -> None:
        wishes = (("Retry-After", "7"),)
        server = self.ask(
            http(b"", 503, *wishes), http(b"", 503), http(b"", 503, ("Retry-After", "soon")), http(b"", 404)
        )
        self.assertEqual(len(server.requests), 4)
        self.assertEqual(self.pauses, [7, 0.5, 1])

    def test_it_gives_up_in_the_end(self) -> None:
        server = self.ask(*[BUSY] * 6)
        self.assertIsInstance(self.error, Busy)
        self.assertEqual(str(self.error), "the core is busy (503): too many requests are waiting; try again")
        self.assertEqual((len(server.requests), len(self.pauses)), (5, 4))

    def test_it_does_not_wait_for_long(self) -> None:
        server = self.ask(http(b"", 503, ("Retry-After", "3600")), BUSY)
        assert isinstance(self.error, Busy)
        self.assertEqual((self.error.retry_after, len(server.requests), self.pauses), (3600, 1, []))

    def test_a_broken_connection_is_tried_again(self) -> None:
        server = self.ask(b"", http(b"x", length=2), http(b"", 404))
        self.assertIsInstance(self.error, Rejected)
        self.assertEqual((len(server.requests), self.pauses), (3, [0.25, 0.5]))

    def test_a_core_that_is_not_there_is_tried_again(self) -> None:
        self.ask()
        self.assertIsInstance(self.error, Unreachable)
        self.assertEqual(self.pauses, [0.25, 0.5, 1, 2])

    def test_chance_spreads_the_pauses(self) -> None:
        with scripted(b"", http(b"", 404)) as server, self.assertRaises(Rejected):
            Client(server.url, PSK.secret, sleep=self.pauses.append, random=lambda: 0.5).ca_cert()
        self.assertEqual(self.pauses, [0.375])
