"""How lines are written, so that nothing that somebody else chose can begin a line or an option."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence

from pkid.broker.payload import Payload, PayloadKind, Payloads
from pkid.errors import Malformed, Reason
from pkid.line.printable import is_printable

__all__ = [
    "bodies", "body", "decode_base64url", "encode_base64url", "headed_bodies", "line", "prefix", "shown", "word",
]  # fmt: skip

_LONGEST_INLINE = 1024  # bytes of a body; a longer one is given by length

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_+/", "+/!!")  # what only base64 has is no digit here

_INLINE = {PayloadKind.TEXT: " :", PayloadKind.JSON: " +json :"}


def word(text: str) -> str:
    """Return a text that is to stand as one word.

    :raises Malformed: ``bad-line`` when it is empty, or holds a space or what cannot be printed.
    """
    if not text or " " in text or not text.isprintable():
        raise Malformed(Reason.BAD_LINE, f"{text[:64]!a} cannot be one of its words")
    return text


def shown(text: str) -> str:
    """Return a text for people that stays in its line."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def prefix(request: object) -> str:
    """Return what stands before the verb."""
    return f"#{word(str(request))} " if request else ""


def line(request: object, *words: str, options: Mapping[str, object] | None = None, text: str | None = None) -> bytes:
    """Write a line without a body, or with a text for people as its body.

    :param words: the verb and its words.
    :param options: those that are ``None`` or ``False`` are left out; ``True`` stands for an option without a value.
    """
    head = prefix(request) + " ".join(map(word, words))
    if options:
        head += _options(options)
    return f"{head}\n".encode() if text is None else f"{head} :{shown(text)}\n".encode()


def body(head: str, payload: Payload) -> bytes:
    """Write a line and its body: in the line when it is short and can be printed, else by length."""
    data = payload.data
    inline = _INLINE.get(payload.kind)
    if inline is not None and len(data) <= _LONGEST_INLINE:
        if is_printable(data):
            return b"%b%b%b\n" % (head.encode(), inline.encode(), data)
        try:
            data.decode()
        except UnicodeDecodeError:
            return b"%b +%d +bytes\n%b\n" % (head.encode(), len(data), data)
    return b"%b +%d +%b\n%b\n" % (head.encode(), len(data), payload.kind.value.encode(), data)


def bodies(head: str, payloads: Payloads) -> bytes:
    """Write lines that differ in their bodies only, as :func:`body` writes each of them."""
    inline, data = _INLINE.get(payloads.kind), payloads.data
    if inline is None or not payloads.are_printable or max(map(len, data)) > _LONGEST_INLINE:
        return b"".join(body(head, payload) for payload in payloads)
    start = f"{head}{inline}".encode()
    return b"%b%b\n" % (start, (b"\n" + start).join(data))


def headed_bodies(start: str, words: Sequence[str], end: str, payloads: Payloads) -> bytes:
    """Write lines that differ in one word and in their bodies, as :func:`body` writes each of them."""
    inline, data = _INLINE.get(payloads.kind), payloads.data
    if inline is None or not payloads.are_printable or max(map(len, data)) > _LONGEST_INLINE:
        return b"".join(body(f"{start}{word}{end}", each) for word, each in zip(words, payloads, strict=True))
    first, behind = start.encode(), f"{end}{inline}".encode()
    return b"".join(
        [b"%b%b%b%b\n" % (first, word.encode(), behind, each) for word, each in zip(words, data, strict=True)]
    )


def encode_base64url(data: bytes) -> str:
    """Write bytes as a word (RFC 4648, section 5, without padding)."""
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Read bytes from a word.

    :raises ValueError: when it is none.
    """
    bare = text.rstrip("=")
    return a2b_base64(bare.translate(_FROM_URL) + "=" * (-len(bare) % 4), strict_mode=True)


def _options(options: Mapping[str, object]) -> str:
    given = [(name, value) for name, value in options.items() if value is not None and value is not False]
    return "".join(f" +{name}" if value is True else f" +{name}={word(str(value))}" for name, value in given)
