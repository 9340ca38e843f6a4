"""When a certificate is to be renewed, how, and when to try again: arithmetic only."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

__all__ = [
    "LONGEST_RETRY",
    "RENEW_BEFORE",
    "Step",
    "longest_retry",
    "next_step",
    "renewal_due",
    "replaceable_from",
    "retry_delay",
    "time_to_sleep",
]

RENEW_BEFORE = timedelta(days=1)
"""How long before its end a certificate is renewed, as the seeds promise."""

_REPLACE_BEFORE = timedelta(days=30)
_FIRST_RETRY = timedelta(seconds=5)
_SHORTEST_LIMIT = timedelta(seconds=30)

LONGEST_RETRY = timedelta(minutes=15)
"""No two attempts stand further apart."""

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

    That is one day before its end, or a third of its lifetime if that is shorter. Jitter makes it only earlier, so
    that a fleet does not come at once: by up to as much again, but never into the first half of the lifetime. A new
    certificate, which is backdated, would otherwise be due at once when it lives for minutes.

    :param jitter: random, at least 0 and below 1.
    """
    span = not_after - not_before
    margin = min(RENEW_BEFORE, span / 3)
    return not_after - margin - min(margin, span / 2 - margin) * jitter


def replaceable_from(not_before: datetime, not_after: datetime) -> datetime:
    """Return the instant from which a kept CA certificate may give way to another one that the PSK vouches for.

    That is 30 days before its end, or a third of its lifetime if that is shorter. Before, another CA is no
    successor but a stranger.
    """
    return not_after - min(_REPLACE_BEFORE, (not_after - not_before) / 3)


def longest_retry(not_before: datetime, not_after: datetime) -> timedelta:
    """Return what limits :func:`retry_delay` for whoever holds a certificate: a sixth of its lifetime.

    At most 15 minutes, at least 30 seconds. Who lives on certificates of minutes comes every few minutes anyway, and
    cannot be without one for a quarter of an hour after its core is back.
    """
    return min(max((not_after - not_before) / 6, _SHORTEST_LIMIT), LONGEST_RETRY)


def retry_delay(
    failures: int, jitter: float = 0.0, asked: float = 0.0, longest: timedelta = LONGEST_RETRY
) -> timedelta:
    """Return how long to wait after so many failures in a row (at least 1): 5 seconds, then doubled each time.

    :param jitter: random, at least 0 and below 1; takes up to half of the delay away.
    :param asked: seconds that the other side asks to be left alone; counts up to 15 minutes.
    :param longest: where the doubling ends.
    """
    doublings = min(failures - 1, 16)
    whole = min(_FIRST_RETRY * (1 << doublings), longest)
    return max(whole * (1 - jitter / 2), timedelta(seconds=min(asked, LONGEST_RETRY.total_seconds())))


def time_to_sleep(due: datetime, now: datetime) -> timedelta:
    """Return how long to sleep before the wall clock is looked at again: until *due*, a minute at most."""
    return min(max(due - now, timedelta(0)), _LONGEST_SLEEP)
