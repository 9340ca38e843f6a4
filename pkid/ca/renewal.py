"""When a certificate is to be renewed, how, and when to try again: arithmetic only."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

__all__ = ["RENEW_BEFORE", "Step", "next_step", "renewal_due", "replaceable_from", "retry_delay", "time_to_sleep"]

RENEW_BEFORE = timedelta(days=1)
"""How long before its end a certificate is renewed, as the seeds promise."""

_REPLACE_BEFORE = timedelta(days=30)
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=15)

_LONGEST_SLEEP = timedelta(minutes=1)
"""The wall clock is looked at so often, because it may jump, and a suspended machine's timers come late."""


class Step(Enum):
    """What a component does about its certificate now."""

    WAIT = "wait"
    RENEW = "renew"
    """Ask for the next one, with the certificate that it has."""
    ENROLL = "enroll"
    """Ask with the pre-shared key."""


def next_step(not_after: datetime, due: datetime, now: datetime, failures: int) -> Step:
    """Decide what to do about a certificate.

    One that has ended proves nothing and is not shown. After each attempt that failed, the other way is tried.

    :param due: the instant from which it is to be renewed.
    :param failures: how many attempts in a row failed.
    """
    if now < due:
        return Step.WAIT
    return Step.ENROLL if now >= not_after or failures % 2 else Step.RENEW


def renewal_due(not_before: datetime, not_after: datetime, jitter: float = 0.0) -> datetime:
    """Return the instant from which a certificate is to be renewed.

    That is one day before its end, or a third of its lifetime if that is shorter. Jitter makes it only earlier, by
    up to as much again, so that a fleet does not come at once.

    :param jitter: random, at least 0 and below 1.
    """
    margin = min(RENEW_BEFORE, (not_after - not_before) / 3)
    return not_after - margin * (1 + jitter)


def replaceable_from(not_before: datetime, not_after: datetime) -> datetime:
    """Return the instant from which a kept CA certificate may give way to another one that the PSK vouches for.

    That is 30 days before its end, or a third of its lifetime if that is shorter. Before, another CA is no
    successor but a stranger.
    """
    return not_after - min(_REPLACE_BEFORE, (not_after - not_before) / 3)


def retry_delay(failures: int, jitter: float = 0.0, asked: float = 0.0) -> timedelta:
    """Return how long to wait after so many failures in a row (at least 1): doubled each time, to 15 minutes.

    :param jitter: random, at least 0 and below 1; takes up to half of the delay away.
    :param asked: seconds that the other side asks to be left alone; counts up to 15 minutes.
    """
    doublings = min(failures - 1, 16)
    whole = min(_FIRST_RETRY * (1 << doublings), _LONGEST_RETRY)
    return max(whole * (1 - jitter / 2), timedelta(seconds=min(asked, _LONGEST_RETRY.total_seconds())))


def time_to_sleep(due: datetime, now: datetime) -> timedelta:
    """Return how long to sleep before the wall clock is looked at again: until *due*, a minute at most."""
    return min(max(due - now, timedelta(0)), _LONGEST_SLEEP)
