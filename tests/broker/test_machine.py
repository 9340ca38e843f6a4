"""The same walk as in the properties, a step at a time, so that what goes wrong is told in the fewest steps."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from pkid.broker.commands import Identify, Prove
from tests.broker.hub import GOOD
from tests.broker.test_properties import ACTIONS, CHANGES, NAMES, Walk
from tests.support import Case

STEP = st.sampled_from(list(dict.fromkeys([*ACTIONS, *CHANGES])))
CHANCE = st.integers(0, 2**32).map(Random)


class BrokerMachine(RuleBasedStateMachine):
    """Clients come, go, change their minds and try for other names, while rights change."""

    def __init__(self) -> None:
        super().__init__()
        self.walk = Walk()

    @rule(step=STEP, chance=CHANCE)
    def do(self, step: Callable[[Walk, Random], None], chance: Random) -> None:
        """Do one thing, unless nobody is there for it; then everybody publishes, and each delivery is judged."""
        if self.walk.hub.clients or step in CHANGES:
            step(self.walk, chance)
        self.walk.publish(chance)
        assert set(self.walk.hub.broker._peers) == set(self.walk.hub.clients)

    @rule(chance=CHANCE, proving=st.booleans())
    def rename(self, chance: Random, proving: bool) -> None:
        """Try for a second identity, which ends the session instead."""
        hub = self.walk.hub
        if not hub.clients:
            return
        number, client = self.walk.client(chance)
        other = chance.choice([name for name in NAMES if name not in {client.name, None}])
        assert other is not None
        hub.say(number, Prove(None, other, GOOD) if proving else Identify(None, other))
        assert number in hub.closed, "it has a second name"
        assert number not in hub.clients


class MachineTests(Case):
    def test_no_order_of_steps_brings_a_message_to_who_may_not_have_it(self) -> None:
        checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
        run_state_machine_as_test(
            BrokerMachine,
            settings=settings(
                max_examples=200, stateful_step_count=60, deadline=None, database=None, derandomize=True,
                suppress_health_check=checks,
            ),
        )  # fmt: skip
