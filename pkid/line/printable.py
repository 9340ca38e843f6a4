"""Whether what came can be printed: asked of each message, so ASCII is looked at as bytes, not as characters."""

from __future__ import annotations

__all__ = ["is_printable"]

_PRINTABLE_ASCII = bytes(range(0x20, 0x7F))


def is_printable(data: bytes | bytearray) -> bool:
    """Tell whether bytes are UTF-8 of which each character can be printed (:meth:`str.isprintable`)."""
    if not data.translate(None, _PRINTABLE_ASCII):
        return True
    try:
        return not data.isascii() and data.decode().isprintable()
    except UnicodeDecodeError:
        return False
