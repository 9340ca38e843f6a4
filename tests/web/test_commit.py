"""No byte of an answer leaves before the commit, and whoever leaves meanwhile harms nobody."""

from __future__ import annotations

from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.keys import KeyType
from tests.certificates import csr_pem, private_key
from tests.support import Case
from tests.web.memory import Connection, Door, bearer, request


@cache
def order(owner: str) -> bytes:
    """Write an order for a certificate; each owner has one, and a key."""
    return request("POST", "/ca/sign", csr_pem(private_key(KeyType.P256, owner)), Authorization=bearer())


class HeldCommitTests(Case):
    def setUp(self) -> None:
        self.door = Door()
        self.door.store.hold()

    def ordering(self, owner: str) -> Connection:
        """Open a connection and send an order."""
        connection = self.door.connect()
        connection.send(order(owner))
        return connection

    def certificate(self, connection: Connection) -> bytes:
        """Return the certificate in the answer, DER."""
        body = connection.received.partition(b"\r\n\r\n")[2]
        return x509.load_pem_x509_certificate(body).public_bytes(Encoding.DER)

    def test_nothing_is_sent_before_the_commit(self) -> None:
        client = self.ordering("a")
        self.door.clock.advance(1000)
        self.assertEqual((client.received, self.door.store.entries), (b"", []))
        self.door.store.release()
        self.assertEqual(client.statuses, [200])
        self.assertEqual(self.certificate(client), self.door.store.entries[0].certificate)

    def test_a_failed_commit_sends_no_certificate(self) -> None:
        client = self.ordering("a")
        self.door.store.fail_next()
        self.door.store.release()
        self.assertEqual(client.statuses, [503])
        self.assertIn(b"\r\nRetry-After: 1\r\n", client.received)
        self.assertNotIn(b"BEGIN", client.received)

    def test_later_orders_wait_for_their_own_commit(self) -> None:
        clients = [self.ordering(owner) for owner in "abc"]
        self.door.store.release_one()
        self.assertEqual([client.statuses for client in clients], [[200], [], []])
        self.door.store.release_one()
        self.assertEqual([client.statuses for client in clients], [[200], [200], [200]])
        self.assertEqual(self.door.store.commits, 2)
        self.assertEqual(len({self.certificate(client) for client in clients}), 3)

    def test_who_leaves_before_a_group_took_its_order_gets_nothing_signed(self) -> None:
        clients = [self.ordering(owner) for owner in "abc"]
        clients[1].leave()
        self.door.store.release()
        self.assertEqual([client.statuses for client in clients], [[200], [], [200]])
        self.assertEqual(len(self.door.store.entries), 2)

    def test_who_leaves_while_its_order_commits_stops_nobody(self) -> None:
        first, *group = [self.ordering(owner) for owner in "abcd"]
        self.door.store.release_one()
        group[0].leave()
        group[2].leave()
        waiting = self.ordering("e")
        self.door.store.release()
        self.assertEqual([client.statuses for client in (first, *group, waiting)], [[200], [], [200], [], [200]])
        self.assertEqual(len(self.door.store.entries), 5)
        self.assertEqual(self.ordering("f").statuses, [200])

    def test_who_leaves_while_a_commit_fails_stops_nobody(self) -> None:
        first, group, waiting = self.ordering("a"), self.ordering("b"), self.ordering("c")
        self.door.store.release_one()
        group.leave()
        self.door.store.fail_next()
        self.door.store.release()
        self.assertEqual([first.statuses, group.statuses, waiting.statuses], [[200], [], [503]])
        self.assertEqual(self.ordering("d").statuses, [200])

    def test_who_leaves_the_self_test_stops_nobody(self) -> None:
        clients = [self.door.connect() for _ in range(3)]
        for client in clients:
            client.send(request("GET", "/system/ready"))
        clients[0].leave()
        self.door.store.release()
        self.assertEqual([client.statuses for client in clients], [[], [200], [200]])

    def test_a_retry_after_a_lost_answer_gets_the_same_certificate(self) -> None:
        self.ordering("a").leave()
        self.door.store.release()
        again = self.ordering("a")
        self.assertEqual(self.certificate(again), self.door.store.entries[0].certificate)
        self.assertEqual(len(self.door.store.entries), 1)
