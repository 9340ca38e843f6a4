"""What came of it, as a picture in SVG: a bar for each contestant of each path, or a line for a curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.suite.curve_plot import HEIGHT, curve_shapes
from bench.suite.rounds import Outcome
from bench.suite.shapes import COLOURS, text

__all__ = ["as_svg"]

_LEFT, _WIDTH, _ROW, _GAP = 380, 1040, 20, 46  # pixels


def as_svg(outcomes: Iterable[Outcome]) -> str:
    """Draw the medians of each path's figure; each path has a scale of its own."""
    shapes = _legend()
    top = 40
    for outcome in outcomes:
        bars = [(name, outcome.median(name, outcome.path.figure)) for name in outcome.samples]
        known = [(name, value) for name, value in bars if value is not None]
        if known and outcome.path.axis:
            shapes += [text(10, top + 16, f"{outcome.path.title}, {outcome.path.figure}", "bold")]
            shapes += curve_shapes(outcome, _LEFT, top + 30, _WIDTH - _LEFT - 90)
            top += HEIGHT + 2 * _GAP
        elif known:
            shapes += [text(10, top + 16, f"{outcome.path.title}, {outcome.path.figure}", "bold")]
            shapes += _bars(outcome, known, top + 24)
            top += _GAP + _ROW * len(known)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *shapes, "</svg>", ""])


def _legend() -> list[str]:
    shapes = []
    for number, (role, colour) in enumerate(COLOURS.items()):
        x = 10 + 90 * number
        shapes.append(f'<circle cx="{x + 5}" cy="18" r="5" fill="{colour}"/>')
        shapes.append(text(x + 16, 22, role.value))
    words = "medians; a thin line goes from the lowest round to the highest"
    return [*shapes, text(10 + 90 * len(COLOURS), 22, words)]


def _bars(outcome: Outcome, known: Sequence[tuple[str, float]], top: int) -> list[str]:
    rounds = [outcome.values(name, outcome.path.figure) for name, _ in known]
    scale = (_WIDTH - _LEFT - 90) / (max(max(values) for values in rounds) or 1.0)
    shapes = []
    for number, (name, value) in enumerate(known):
        y = top + number * _ROW
        low, high, width = scale * min(rounds[number]), scale * max(rounds[number]), scale * value
        colour = COLOURS[outcome.role(name)]
        shapes.append(text(_LEFT - 8, y + 14, name, anchor="end"))
        shapes.append(f'<rect x="{_LEFT}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 5}" fill="{colour}"/>')
        shapes.append(f'<path d="M{_LEFT + low:.1f} {y + 9.5}H{_LEFT + high:.1f}" stroke="black"/>')
        shapes.append(text(_LEFT + high + 6, y + 14, f"{value:,.0f}" if value >= 100 else f"{value:.2f}"))
    return shapes
