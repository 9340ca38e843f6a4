"""Curves as a picture, in SVG: both axes are logarithmic, so that a cost that stays the same is a level line."""

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
Scale = Callable[[float], float]


def curve_shapes(outcome: Outcome, left: float, top: float, width: float) -> list[str]:
    """Draw the curves of a path, with the axis below."""
    found = curves(outcome)
    points = [point for each in found.values() for point in each]
    x = _scale([at for at, _ in points], left, left + width)
    y = _scale([rate for _, rate in points], top + HEIGHT, top)
    shapes = [text(left, top + HEIGHT + 38, outcome.path.axis)]
    shapes += [text(x(at), top + HEIGHT + 22, f"{at:,.0f}", anchor="middle") for at in sorted({at for at, _ in points})]
    for role, each in found.items():
        shapes += _line(each, x, y, COLOURS[role], _ABOVE if role is Role.PKID else _BELOW)
    return shapes


def _line(points: Points, x: Scale, y: Scale, colour: str, off: float) -> list[str]:
    places = " ".join(f"{x(at):.1f},{y(rate):.1f}" for at, rate in points)
    shapes = [f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for at, rate in points:
        shapes.append(f'<circle cx="{x(at):.1f}" cy="{y(rate):.1f}" r="3" fill="{colour}"/>')
        shapes.append(text(x(at), y(rate) + off, f"{rate:,.0f}", anchor="middle"))
    return shapes


def _scale(values: list[float], begin: float, end: float) -> Scale:
    """Return where a value is between two ends."""
    low, high = log10(min(values)), log10(max(values))
    return lambda value: begin + (end - begin) * ((log10(value) - low) / (high - low) if high > low else 0.5)
