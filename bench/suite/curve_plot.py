"""Curves as a picture, in SVG: both axes are logarithmic, so that a cost that stays the same is a level line.

The height stands for a factor of ten at least, so that what varies a little looks so.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log10

from bench.suite.curve import Points, curves
from bench.suite.measurement import Role
from bench.suite.rounds import Outcome
from bench.suite.shapes import COLOURS, text

__all__ = ["HEIGHT", "curve_shapes"]

HEIGHT = 180  # pixels
_ABOVE, _BELOW = -6, 15  # pixels from a point to its number, so that those of two curves keep apart
_NEAR = 56  # pixels between two numbers, below which the second one stands elsewhere
_LEAST_FACTOR = 10.0
Scale = Callable[[float], float]


def curve_shapes(outcome: Outcome, left: float, top: float, width: float) -> list[str]:
    """Draw the curves of a path, with the axis below."""
    found = curves(outcome)
    points = [point for each in found.values() for point in each]
    x = _scale([at for at, _ in points], left, left + width)
    rates = [rate for _, rate in points]
    y = _scale([*rates, min(min(rates), max(rates) / _LEAST_FACTOR)], top + HEIGHT, top)
    shapes = _axis(sorted({at for at, _ in points}), outcome.path.axis, x, top + HEIGHT + 22)
    for role, each in found.items():
        shapes += _line(each, x, y, COLOURS[role], _ABOVE if role is Role.PKID else _BELOW)
    return shapes


def _axis(places: list[float], name: str, x: Scale, y: float) -> list[str]:
    """Write the numbers of the axis and, at its beginning, what they are."""
    shapes, last, is_low = [], float("-inf"), False
    for at in places:
        is_low = x(at) - last < _NEAR and not is_low
        shapes.append(text(x(at), y + (14 if is_low else 0), f"{at:,.0f}", anchor="middle"))
        last = x(at)
    return [*shapes, text(x(places[0]) - 40, y, name, anchor="end")]


def _line(points: Points, x: Scale, y: Scale, colour: str, off: float) -> list[str]:
    places = " ".join(f"{x(at):.1f},{y(rate):.1f}" for at, rate in points)
    shapes = [f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>']
    last, is_away = float("-inf"), False
    for at, rate in points:
        is_away = x(at) - last < _NEAR and not is_away
        last = x(at)
        shapes.append(f'<circle cx="{last:.1f}" cy="{y(rate):.1f}" r="3" fill="{colour}"/>')
        shapes.append(
            text(last, y(rate) + (_ABOVE + _BELOW - off if is_away else off), f"{rate:,.0f}", anchor="middle")
        )
    return shapes


def _scale(values: list[float], begin: float, end: float) -> Scale:
    """Return where a value is between two ends."""
    low, high = log10(min(values)), log10(max(values))
    return lambda value: begin + (end - begin) * ((log10(value) - low) / (high - low) if high > low else 0.5)
