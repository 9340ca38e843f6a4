"""What the exporter asks of a core's inventory, and what the answers mean. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pkid.answers import Answer, BadAnswer
from pkid.errors import Malformed
from pkid.exchange import Request
from pkid.web.multipart import read_parts

__all__ = ["SPANS", "Counts", "Credential", "Inventory", "question", "read_inventory"]

SPANS = ("24h", "7d", "30d")
"""Within which certificates are counted as ending, as durations of a search."""

_MOST = 64  # credentials, and profiles
_KEPT = "search is(certificate)"
_VALID = f"{_KEPT} and expired = false"
_COUNTS = (_KEPT, _VALID, *(f"{_VALID} and not_after < {span}" for span in SPANS), f"{_KEPT} and renews != null")
_COMMAND = "; ".join([*(f"{search} | count profile" for search in _COUNTS), f"search is(credential) | head {_MOST}"])

Counts = Mapping[str, int]
"""Numbers of certificates by their profile."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What components prove themselves with; never the secret itself.

    :ivar expires: when it ends, aware UTC; ``None`` when it does not.
    """

    name: str
    role: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a core has in its ledger and accepts as credentials.

    :ivar kept: all certificates that are in the ledger.
    :ivar valid: those of them that have not ended.
    :ivar ending: those of the valid that end soon, by the span within which they do.
    :ivar renewals: those that another certificate proved the right to.
    """

    kept: Counts
    valid: Counts
    ending: Mapping[str, Counts]
    renewals: Counts
    credentials: tuple[Credential, ...]


def question() -> Request:
    """Return the one request that asks for everything: it is one decision, and one line of the core's audit trail."""
    headers = (("Content-Type", "text/plain"), ("Accept", "application/x-ndjson"))
    return Request("POST", "/cli/execute", _COMMAND.encode("ascii"), headers)


def read_inventory(answer: Answer) -> Inventory:
    """Read the answer to the question.

    :raises BadAnswer: when it is something else.
    """
    try:
        parts = [_items(part) for part in read_parts(answer.body, answer.headers.get("Content-Type", ""))]
        kept, valid, *ending, renewals, credentials = parts
        return Inventory(
            _counts(kept),
            _counts(valid),
            dict(zip(SPANS, map(_counts, ending), strict=True)),
            _counts(renewals),
            tuple(map(_credential, credentials[:_MOST])),
        )
    except (KeyError, TypeError, ValueError, Malformed) as error:
        raise BadAnswer(
            f"the core's inventory cannot be read ({type(error).__name__}); see that core and exporter are of the same"
            " version"
        ) from None


def _items(part: bytes) -> list[Any]:
    return [json.loads(line) for line in part.decode("utf-8").splitlines() if line]


def _counts(lines: Sequence[str]) -> Counts:
    return dict(list(_tally(lines))[:_MOST])


def _tally(lines: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Read the lines of ``count profile``, the last two of which are sums."""
    *tallied, matched, unmatched = (line.rpartition(": ") for line in lines)
    if (matched[0], unmatched[0]) != ("total matched", "total unmatched"):
        raise ValueError("the sums are missing")
    yield from ((value, int(number)) for value, _, number in tallied)


def _credential(item: Mapping[str, Any]) -> Credential:
    expires = item["expires"]
    return Credential(
        str(item["name"]), str(item["role"]), None if expires is None else datetime.fromisoformat(expires)
    )
