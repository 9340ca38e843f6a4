"""When a silent connection is given up, and what that costs one that is not."""

from __future__ import annotations

from twisted.internet.task import Clock

from pkid.web.timeout import LazyTimeout
from tests.support import Case
from tests.web.memory import Door, request

PING = request("GET", "/system/ping")


class Silent(LazyTimeout):
    """Takes note of when it is given up."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.given_up: list[float] = []

    def timeoutConnection(self) -> None:
        self.given_up.append(self.clock.seconds())


class LazyTimeoutTests(Case):
    def setUp(self) -> None:
        self.clock = Clock()
        self.silent = Silent(self.clock)

    def test_it_ends_after_so_much_silence_once(self) -> None:
        self.assertIsNone(self.silent.setTimeout(60))
        self.clock.pump([59, 1, 60, 60])
        self.assertEqual(self.silent.given_up, [60])
        self.silent.resetTimeout()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_every_sign_of_life_begins_it_anew(self) -> None:
        self.silent.setTimeout(60)
        for _ in range(5):
            self.clock.advance(45)
            self.silent.resetTimeout()
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.pump([59.5, 0.5])
        self.assertEqual(self.silent.given_up, [5 * 45 + 60])

    def test_never_is_never_until_there_is_a_time_again(self) -> None:
        self.silent.setTimeout(60)
        self.clock.advance(30)
        self.assertEqual(self.silent.setTimeout(None), 60)
        self.clock.pump([60] * 3)
        self.assertIsNone(self.silent.setTimeout(60))
        self.clock.pump([59, 1])
        self.assertEqual(self.silent.given_up, [30 + 180 + 60])

    def test_a_shorter_time_counts_at_once(self) -> None:
        self.silent.setTimeout(60)
        self.silent.setTimeout(10)
        self.clock.pump([9, 1])
        self.assertEqual(self.silent.given_up, [10])

    def test_a_connection_that_is_lost_leaves_nothing(self) -> None:
        self.silent.setTimeout(60)
        self.silent.cancel_alarm()
        self.silent.cancel_alarm()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class DoorTimeoutTests(Case):
    def test_requests_make_no_delayed_calls(self) -> None:
        door = Door()
        client = door.connect()
        (alarm,) = door.clock.getDelayedCalls()
        client.send(*[PING] * 20)
        self.assertEqual(door.clock.getDelayedCalls(), [alarm])
        door.clock.advance(30)
        client.send(PING)
        door.clock.pump([59, 0.9])
        self.assertFalse(client.wire.disconnecting)
        door.clock.advance(0.1)
        self.assertTrue(client.wire.disconnecting)
        client.leave()
        self.assertEqual(door.clock.getDelayedCalls(), [])

    def test_an_answer_that_takes_long_is_waited_for(self) -> None:
        door = Door()
        door.store.hold()
        client = door.connect()
        client.send(request("GET", "/system/ready"))
        door.clock.pump([60] * 3)
        self.assertFalse(client.wire.disconnecting)
        door.store.release()
        self.assertEqual(client.statuses, [200])
        door.clock.pump([59, 1])
        self.assertTrue(client.wire.disconnecting)
        client.leave()
