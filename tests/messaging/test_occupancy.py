"""Places for connections: of all, of an address, of those who proved nothing."""

from __future__ import annotations

from pkid.errors import Reason, Unavailable
from pkid.messaging.occupancy import Occupancy, Places
from tests.support import Case

HERE, THERE = "192.0.2.1", "192.0.2.2"


class OccupancyTests(Case):
    """The places of one core."""

    def fill(self, places: Places, *peers: str) -> Occupancy:
        """Return an occupancy that these took places in."""
        occupancy = Occupancy(places)
        for peer in peers:
            occupancy.enter(peer)
        return occupancy

    def refused(self, occupancy: Occupancy, peer: str) -> None:
        """Fail unless there is no place for a peer."""
        before = occupancy.refused, len(occupancy)
        error = self.assertRaises(Unavailable, occupancy.enter, peer)
        self.assertIs(error.reason, Reason.BUSY)
        self.assertEqual((occupancy.refused, len(occupancy)), (before[0] + 1, before[1]))

    def test_all_places_together(self) -> None:
        occupancy = self.fill(Places(total=2), HERE, THERE)
        self.refused(occupancy, "192.0.2.3")
        occupancy.leave(HERE, proven=False)
        occupancy.enter("192.0.2.3")

    def test_those_of_one_address(self) -> None:
        occupancy = self.fill(Places(per_address=1), HERE)
        occupancy.prove(HERE)
        self.refused(occupancy, HERE)
        occupancy.enter(THERE)

    def test_one_network_of_version_6_is_one_address(self) -> None:
        occupancy = self.fill(Places(per_address=1), "2001:db8::1")
        self.refused(occupancy, "2001:db8::2")
        occupancy.enter("2001:db8:0:1::1")

    def test_strangers_leave_places_for_those_who_proved_a_name(self) -> None:
        occupancy = self.fill(Places(total=3, unproven=2), HERE, HERE)
        self.refused(occupancy, THERE)
        occupancy.prove(HERE)
        occupancy.enter(THERE)

    def test_strangers_of_one_address(self) -> None:
        occupancy = self.fill(Places(unproven_per_address=1), HERE)
        self.refused(occupancy, HERE)
        occupancy.enter(THERE)
        occupancy.prove(HERE)
        occupancy.enter(HERE)

    def test_whoever_leaves_gives_back_all_that_was_taken(self) -> None:
        occupancy = self.fill(Places(1, 1, 1, 1), HERE)
        occupancy.prove(HERE)
        occupancy.leave(HERE, proven=True)
        occupancy.enter(HERE)
        occupancy.leave(HERE, proven=False)
        self.assertEqual((len(occupancy), occupancy._by_address, occupancy._unproven_by_address), (0, {}, {}))
