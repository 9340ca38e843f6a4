"""When a certificate is to be renewed, and when to try again: arithmetic only."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["RENEW_BEFORE", "renewal_due", "retry_delay"]

RENEW_BEFORE = timedelta(days=1)
"""How long before its end a certificate is renewed, as the seeds promise."""

_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=15)


def renewal_due(not_before: datetime, not_after: datetime, jitter: float = 0.0) -> datetime:
    """Return the instant from which a certificate is to be renewed.

    That is one day before its end, or a third of its lifetime if that is shorter. Jitter makes it only earlier, by
    up to as much again, so that a fleet does not come at once.

    :param jitter: random, at least 0 and below 1.
    """
    margin = min(RENEW_BEFORE, (not_after - not_before) / 3)
    return not_after - margin * (1 + jitter)


def retry_delay(failures: int, jitter: float = 0.0) -> timedelta:
    """Return how long to wait after so many failures in a row (at least 1): doubled each time, to 15 minutes.

    :param jitter: random, at least 0 and below 1; takes up to half of the delay away.
    """
    doublings = min(failures - 1, 16)
    whole = min(_FIRST_RETRY * (1 << doublings), _LONGEST_RETRY)
    return whole * (1 - jitter / 2)
