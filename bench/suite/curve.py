"""Curves: how a rate changes while something grows, and where it bends.

A curve bends where the cost of each, which is one divided by its rate, has doubled from the best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.suite.measurement import Role
from bench.suite.rounds import Outcome

__all__ = ["Points", "bend", "bends", "curves"]

Points = Sequence[tuple[float, float]]
"""Where, and the rate there; from left to right."""


def curves(outcome: Outcome) -> dict[Role, Points]:
    """Return the curves of a path: one for each role."""
    found: dict[Role, list[tuple[float, float]]] = {}
    for each in outcome.path.contestants:
        value = outcome.median(each.name, outcome.path.figure)
        if each.at is not None and value:
            found.setdefault(each.role, []).append((each.at, value))
    return {role: sorted(points) for role, points in found.items()}


def bends(outcome: Outcome) -> Iterator[str]:
    """Say of each curve of a path where it bends, and of pkid's why."""
    for role, points in curves(outcome).items():
        why = f" {outcome.path.why}" if role is Role.PKID and outcome.path.why else ""
        yield f"The curve of {_NAMES[role]}: {bend(points, outcome.path.axis)}.{why}"


def bend(points: Points, axis: str) -> str:
    """Say where a curve bends.

    :param points: one at least.
    """
    best, rate = max(points, key=lambda point: point[1])
    before = [at for at, value in points if at < best and 2 * value <= rate]
    beyond = [at for at, value in points if at > best and 2 * value <= rate]
    words = [f"each costs least at {best:,.0f} {axis}, {1e6 / rate:.2f} us"]
    words += [f"twice that or more up to {before[-1]:,.0f}"] if before else []
    words += [f"twice that or more from {beyond[0]:,.0f} on"] if beyond else ["less than twice that beyond"]
    return "; ".join(words)


_NAMES = {Role.PKID: "pkid", Role.PEER: "the peer", Role.LIMIT: "the limit"}
