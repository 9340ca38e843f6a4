"""What a core answers to the exporter, made up."""

from __future__ import annotations

from collections.abc import Sequence
from http.client import HTTPMessage

from pkid.answers import Answer

__all__ = ["CREDENTIALS", "INVENTORY", "METRICS", "answer", "inventory"]

INVENTORY = (
    ("component: 7", "core: 2", "total matched: 9", "total unmatched: 0"),
    ("component: 5", "core: 1", "total matched: 6", "total unmatched: 0"),
    ("total matched: 0", "total unmatched: 0"),
    ("component: 1", "total matched: 1", "total unmatched: 0"),
    ("component: 3", "core: 1", "total matched: 4", "total unmatched: 0"),
    ("component: 4", "total matched: 4", "total unmatched: 0"),
)
"""What the counting searches give, in their order."""

CREDENTIALS = (
    '{"kind": "credential", "name": "psk:default", "role": "admin", "expires": null, "expired": null}',
    '{"kind": "credential", "name": "psk:autumn", "role": "issue", "expires": "2027-01-01T00:00:00Z"}',
)

METRICS = b"""\
# HELP process_open_fds Number of open file descriptors.
# TYPE process_open_fds gauge
process_open_fds 18.0
# HELP pkid_decisions_total Decisions.
# TYPE pkid_decisions_total counter
pkid_decisions_total{action="sign",reason="weak-key",result="denied"} 12.0
# HELP pkid_ready Whether it is.
# TYPE pkid_ready gauge
pkid_ready 1.0
"""


def inventory(counts: Sequence[Sequence[str]] = INVENTORY, credentials: Sequence[str] = CREDENTIALS) -> Answer:
    """Return the answer to the exporter's question."""
    quoted = ["".join(f'"{line}"\n' for line in lines) for lines in counts]
    parts = [*quoted, "".join(f"{line}\n" for line in credentials)]
    body = "".join(f"--cli-part\r\nContent-Type: application/x-ndjson\r\n\r\n{part}\r\n" for part in parts)
    return answer(f"{body}--cli-part--\r\n".encode(), "multipart/mixed;boundary=cli-part")


def answer(body: bytes, content_type: str = "text/plain") -> Answer:
    """Return an answer with status 200."""
    headers = HTTPMessage()
    headers["Content-Type"] = content_type
    return Answer(200, headers, body)
