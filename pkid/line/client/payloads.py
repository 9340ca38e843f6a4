"""What a program may give for a payload."""

from __future__ import annotations

from pkid.broker.payload import Payload, PayloadKind

__all__ = ["as_payload"]


def as_payload(content: Payload | bytes | str | None) -> Payload:
    """Return text and bytes as what they are; nothing is as good as no bytes."""
    match content:
        case Payload():
            return content
        case str():
            return Payload(PayloadKind.TEXT, content.encode("utf-8"))
    return Payload(PayloadKind.BYTES, content or b"")
