"""The kinds of value that only the shell's settings have; as in :mod:`pkid.settings.kinds`."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum

from pkid.settings.kinds import text

__all__ = ["Format", "answer_format", "seconds"]

_LONGEST = 86400  # seconds


class Format(Enum):
    """What the core can answer in: the words of ``--format``, and content types."""

    TEXT = "text/plain"
    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    YAML = "application/yaml"


def answer_format(value: object) -> Format:
    """Read the word for a form of answer."""
    formats = {form.name.lower(): form for form in Format}
    written = text(value)
    if written not in formats:
        raise ValueError(f"must be one of {', '.join(formats)}, not {written!r}")
    return formats[written]


def seconds(value: object) -> timedelta:
    """Read how long to wait: seconds, perhaps with a fraction, up to a day."""
    written = text(value)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", written) or not 0 < float(written) <= _LONGEST:
        raise ValueError(f"must be seconds, up to {_LONGEST}, not {written!r}")
    return timedelta(seconds=float(written))
