"""What pictures are made of, in SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from bench.suite.measurement import Role

__all__ = ["COLOURS", "text"]

COLOURS = {Role.PKID: "#2a6f97", Role.PEER: "#e09f3e", Role.LIMIT: "#9aa5b1"}


def text(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    """Write words, on a white rim that keeps them readable on lines."""
    style = f'font-size="12" font-weight="{weight}" text-anchor="{anchor}"'
    style += ' stroke="white" stroke-width="3" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
