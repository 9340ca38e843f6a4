"""The audit trail: one line for each decision, that says who wanted what, from where, and what came of it.

A line is ``name=value`` pairs behind the word ``audit``, always in the same order, for people and for ``grep``. The
same values are fields of the log event, for programs. What callers wrote is escaped, so that it stays within its pair.
"""

from __future__ import annotations

import json
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from time import time

from twisted.logger import Logger, LogLevel

from pkid.auth.fairness import peer_key
from pkid.ca.ledger import Entry

__all__ = ["NAMESPACE", "Action", "Strangers", "allowed", "audit_line", "certificate_facts", "denied"]

NAMESPACE = "pkid.audit"
"""The trail's events have it as their ``log_namespace``."""

_log = Logger(namespace=NAMESPACE)
_LONGEST = 400  # characters of one value
_MOST_PEERS = 1024
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII but for the space, '"', '=' and the backslash


class Action(Enum):
    """What was decided."""

    LOGIN = "login"
    REQUEST = "request"
    SIGN = "sign"
    RENEW = "renew"
    COMMAND = "command"
    CONNECT = "connect"
    """A session of the broker, under a name."""
    BROKER = "broker"
    """Something that a session of the broker asked for."""
    RIGHTS = "rights"
    REGISTER = "register"
    UNREGISTER = "unregister"
    DISTRUST = "distrust"
    """A former CA, whose certificates count no more."""


def allowed(action: Action, credential: str, peer: str, **facts: object) -> None:
    """Write down that something was allowed, and is done.

    :param credential: whose, as ``kind:name``.
    :param peer: the address that it came from.
    :param facts: more about it, in the order in which they are to stand; none of them secret.
    """
    _write(action, "allowed", credential, peer, facts)


def denied(action: Action, credential: str, peer: str, reason: str, **facts: object) -> None:
    """Write down that something was denied.

    :param credential: whose; ``-`` as long as nobody knows.
    :param reason: a stable word.
    """
    _write(action, "denied", credential, peer, {"reason": reason, **facts})


def certificate_facts(entry: Entry) -> dict[str, object]:
    """Return what is worth telling of a certificate."""
    facts: dict[str, object] = {"serial": f"{entry.serial:x}", "name": entry.name, "not_after": entry.not_after}
    return facts if entry.renews is None else facts | {"renews": f"{entry.renews:x}"}


@dataclass(slots=True)
class _Patience:
    """What one peer's lines came to since *began*, in seconds."""

    began: float
    written: int = 0
    left_out: int = 0


class Strangers:
    """Writes down who was not let in, a few lines for each peer and minute, so that a flood does not fill the log.

    What is left out is counted, and the peer's next line tells how many those were.

    :param seconds: gives the time of a clock that only goes forward.
    :param most: lines for one peer within *span* seconds.
    """

    def __init__(self, seconds: Callable[[], float], most: int = 5, span: float = 60.0) -> None:
        self._seconds = seconds
        self._most = most
        self._span = span
        self._peers: OrderedDict[str, _Patience] = OrderedDict()
        self.left_out: Counter[tuple[str, ...]] = Counter()
        """How many denials were not written, by action, result and reason."""

    def denied(
        self, peer: str, reason: str, action: Action = Action.LOGIN, credential: str = "-", **facts: object
    ) -> None:
        """Write down, or count, that a peer was denied something: to be let in, if nothing else is said."""
        known = self._patience(peer_key(peer))
        if known.written >= self._most:
            known.left_out += 1
            self.left_out[action.value, "denied", reason] += 1
            return
        known.written += 1
        left_out, known.left_out = known.left_out, 0
        denied(action, credential, peer, reason, **facts, **({"left_out": left_out} if left_out else {}))

    def _patience(self, key: str) -> _Patience:
        """Return the peer's account, begun anew when its span is over; the peer not seen for longest is forgotten."""
        now = self._seconds()
        known = self._peers.pop(key, None) or _Patience(now)
        if now - known.began >= self._span:
            known = _Patience(now, left_out=known.left_out)
        self._peers[key] = known
        if len(self._peers) > _MOST_PEERS:
            self._peers.popitem(last=False)
        return known


def audit_line(fields: dict[str, object]) -> str:
    """Return the line for these fields."""
    texts = [value if type(value) is str else _text(value) for value in fields.values()]
    if not _all_plain(texts):
        texts = [_written(text) for text in texts]
    return " ".join(["audit", *[f"{name}={text}" for name, text in zip(fields, texts, strict=True)]])


def _write(action: Action, result: str, credential: str, peer: str, facts: dict[str, object]) -> None:
    fields = {"action": action.value, "result": result, "credential": credential, "peer": peer, **facts}
    # The event that _log.info would make, which looks for the level among all levels first.
    event = {
        "log_logger": _log,
        "log_level": LogLevel.info,
        "log_namespace": NAMESPACE,
        "log_source": None,
        "log_format": "{audit_line}",
        "log_time": time(),
        "audit_line": audit_line(fields),
        "audit": fields,
    }
    _log.observer(event)


def _text(value: object) -> str:
    """Return what is to be told of a value."""
    return _instant(value) if isinstance(value, datetime) else str(value)


@lru_cache(256)
def _instant(when: datetime) -> str:
    """Write an instant in whole seconds; certificates that are issued together mostly end together."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _all_plain(texts: list[str]) -> bool:
    """Tell whether each of them is one plain word, by one look at all."""
    together = "".join(texts)
    return all(texts) and len(together) <= _LONGEST and _PLAIN.fullmatch(together) is not None


def _written(text: str) -> str:
    """Write a text as it is if it is one plain word, else as a JSON string, which holds no control character."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
