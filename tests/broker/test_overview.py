"""Why something waits for a session, as an operator sees it."""

from __future__ import annotations

from pkid.broker.commands import LAST_RECEIVED, Acknowledge, React, View
from pkid.broker.inputs import Lost, Pause, Ready
from pkid.broker.message import QoS
from pkid.broker.overview import HeldUp, SessionFacts
from pkid.broker.policy import Policy
from tests.broker.hub import Hub
from tests.broker.test_deliveries import pair, publish
from tests.support import Case


def reason(hub: Hub, number: int) -> HeldUp | None:
    """Return why something waits for a session."""
    (found,) = (
        each for each in hub.broker.look(View.SESSIONS) if isinstance(each, SessionFacts) and each.number == number
    )
    return found.held_up_by


class HeldUpTests(Case):
    def test_one_that_keeps_up(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(publisher, publish(1))
        self.assertIsNone(reason(hub, subscriber))

    def test_a_transport_that_takes_no_more(self) -> None:
        hub, _, subscriber = pair()
        hub.say(subscriber, Pause())
        self.assertIs(reason(hub, subscriber), HeldUp.TRANSPORT)
        hub.say(subscriber, Ready())
        self.assertIsNone(reason(hub, subscriber))

    def test_a_transport_that_took_a_little_of_what_waits(self) -> None:
        hub, publisher, subscriber = pair()
        hub.say(subscriber, Pause())
        for number in range(9):
            hub.say(publisher, publish(number))
        hub.say(subscriber, Ready(1))
        self.assertIs(reason(hub, subscriber), HeldUp.TRANSPORT)
        hub.say(subscriber, Ready())
        self.assertIsNone(reason(hub, subscriber))

    def test_one_that_acknowledges_too_little(self) -> None:
        hub, publisher, subscriber = pair(Policy(unacknowledged=2))
        hub.acknowledging = False
        for number in range(2):
            self.assertIsNone(reason(hub, subscriber))
            hub.say(publisher, publish(number, QoS.AT_LEAST_ONCE, number))
        self.assertIs(reason(hub, subscriber), HeldUp.ACKNOWLEDGEMENTS)
        hub.say(subscriber, Acknowledge(None, hub.deliveries[0].message.number))
        self.assertIsNone(reason(hub, subscriber))

    def test_what_was_kept_comes_first(self) -> None:
        hub, publisher, subscriber = pair(since=LAST_RECEIVED)
        hub.say(subscriber, Lost())
        hub.say(publisher, publish(1))
        again = hub.join("s", active=False)
        effects = hub.broker.receive(again, React(1, True), hub.now)
        self.assertIs(reason(hub, again), HeldUp.HISTORY)
        hub.carry_out(effects)
        self.assertIsNone(reason(hub, again))
