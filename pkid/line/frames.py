"""Lines, as both ends read them: an id, a verb, words, options and a body.

``[#ID] VERB [WORD ...] [+OPTION ...] [BODY]``, in UTF-8, ended by LF or CRLF. A body is text to the end of the line,
behind a ``:`` or not, or, after an option ``+LENGTH``, so many bytes behind the line, ended by LF or CRLF again. How
many words a verb has is given; what they mean is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from pkid.broker.payload import PayloadKind
from pkid.errors import PkidError, Reason
from pkid.line.printable import is_printable

__all__ = ["Frame", "FrameReader", "Limits", "LineFault", "refuse", "repeated_bodies"]

_MOST_DIGITS = 9
_MOST_SHOWN = 64  # characters of an unknown verb that an error repeats
_MOST_REPEATED = 1 << 15  # bytes of lines that are read together: a record of TLS, and the rest of one before
_CARRIAGE_RETURN, _LINE_FEED = 13, 10
_CONTROLS = frozenset(map(chr, (*range(0x20), 0x7F))) - {"\t"}
_KINDS = {kind.value: kind for kind in PayloadKind}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one end is kept by the other before it is understood."""

    line: int = 8192
    """Bytes of a line, without its end."""
    payload: int = 1 << 20
    """Bytes of a body that is given by length."""
    options: int = 16
    """Options of a line."""
    request: int = 64
    """Characters of a request's id."""


class LineFault(PkidError):
    """What came cannot be read.

    :ivar request: the id of the line, if it had one.
    :ivar fatal: whether it is unknown where the next line begins, so that nothing more can be read.
    """

    def __init__(self, reason: Reason, subject: str = "", request: str = "", *, fatal: bool = False) -> None:
        super().__init__(reason, subject)
        self.request = request
        self.fatal = fatal


@dataclass(slots=True)
class Frame:
    """One line, and the body behind it."""

    request: str
    """Empty when it had none."""
    verb: str
    words: list[str]
    options: dict[str, str]
    """By name; an option without a value has an empty one."""
    body: str | bytes | None = None
    """Text when it stood in the line, bytes when its length was given."""
    kind: PayloadKind | None = None
    """What the sender says of its body."""


def refuse(frame: Frame, problem: str) -> LineFault:
    """Return the fault of a line that ends where it should, and still cannot be understood."""
    return LineFault(Reason.BAD_LINE, problem, frame.request)


class FrameReader:
    """Makes frames of bytes as they come; what is in wait stays within the limits if the bytes come in small pieces.

    :param arities: how many words each verb has.
    """

    __slots__ = ("_arities", "_began", "_buffer", "_frame", "_length", "_limits", "_place", "_singly")

    def __init__(self, arities: Mapping[str, int], limits: Limits) -> None:
        self._arities = arities
        self._limits = limits
        self._buffer = bytearray()
        self._place = 0
        self._began = 0  # where the last line did
        self._singly = 0  # lines that are not tried as repetitions, because those before them were none
        self._frame: Frame | None = None  # whose body is still to come
        self._length = 0  # of that body

    @property
    def waiting(self) -> int:
        """How many bytes came and were not read yet."""
        return len(self._buffer) - self._place

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        if self._place:
            del self._buffer[: self._place]
            self._place = 0
        self._buffer += data

    def read(self) -> Frame | None:
        """Return the next frame, or nothing when more bytes are needed.

        :raises LineFault: when it cannot be read; unless that is fatal, the next one may be read after it.
        """
        frame = self._frame
        while frame is None:
            line = self._read_line()
            if line is None:
                return None
            if line:
                frame = self._part(line)
                if self._length < 0:
                    return frame
                self._frame = frame
        return self._with_body(frame)

    def lines(self, start: bytes) -> bytes:
        """Return the whole lines that come next, as far as they are looked at together, if the first begins so.

        The end of the last one is left out.
        """
        place, buffer = self._place, self._buffer
        if self._frame is not None or not buffer.startswith(start, place):
            return b""
        end = buffer.rfind(b"\n", place, place + _MOST_REPEATED)
        return bytes(buffer[place:end]) if end >= 0 else b""

    def skip(self, size: int) -> None:
        """Take note that so many bytes were read, of those that :meth:`lines` returned."""
        self._place += size

    def repeated(self, frame: Frame, most: int) -> list[bytes]:
        """Read the lines that come next and differ from the last one in their bodies only; return those bodies.

        :param frame: the last line.
        :param most: how many are wanted.
        """
        head = self._head(frame)
        place, buffer = self._place, self._buffer
        if not head or not buffer.startswith(head, place):
            return []
        if self._singly:
            self._singly -= 1
            return []
        end = buffer.rfind(b"\n", place, place + _MOST_REPEATED)
        if end < 0:
            return []
        bodies = repeated_bodies(bytes(buffer[place:end]), head, most)
        if not is_printable(b" ".join(bodies)) or len(head) + max(map(len, bodies)) > self._limits.line:
            self._singly = len(bodies)
            return []
        self._place += sum(map(len, bodies)) + len(bodies) * (len(head) + 1)
        return bodies

    def _head(self, frame: Frame) -> bytes:
        """Return what stands before the body of the last line, with the colon; nothing when there is none."""
        end = self._place - 1
        if not isinstance(frame.body, str) or self._buffer[end - 1] == _CARRIAGE_RETURN:
            return b""
        head = bytes(self._buffer[self._began : end - len(frame.body.encode())])
        return head if head.endswith(b":") else b""

    def _read_line(self) -> str | None:
        place, buffer = self._place, self._buffer
        end = buffer.find(b"\n", place, place + self._limits.line + 2)
        if end < 0:
            if len(buffer) - place > self._limits.line + 1:
                raise LineFault(Reason.BAD_LINE, f"it is longer than {self._limits.line} bytes", fatal=True)
            return None
        self._began, self._place = place, end + 1
        data = buffer[place:end].removesuffix(b"\r")
        try:
            line = data.decode()
        except UnicodeDecodeError:
            raise LineFault(Reason.BAD_LINE, "it is not UTF-8", fatal=True) from None
        if not is_printable(data) and not _CONTROLS.isdisjoint(line):
            raise LineFault(Reason.BAD_LINE, "it holds control characters", fatal=True)
        return line

    def _part(self, line: str) -> Frame:
        """Return the frame of a line, and note the length of its body if that is to come."""
        request = ""
        if line[0] == "#":
            request, _, line = line[1:].partition(" ")
            if not 0 < len(request) <= self._limits.request or not request.isprintable():
                raise LineFault(Reason.BAD_LINE, f"an id has 1 to {self._limits.request} characters", fatal=True)
        verb, _, rest = line.partition(" ")
        arity = self._arities.get(verb)
        if arity is None:
            verb, arity = self._recognize(verb, rest, request)
        words = rest.split(" ", arity)
        rest = words.pop() if len(words) > arity else ""
        if words and not words[-1]:
            words.pop()
        self._length = -1
        if rest[:1] == "+":
            return self._with_options(request, verb, words, rest)
        return Frame(request, verb, words, {}, _text(rest))

    def _recognize(self, verb: str, rest: str, request: str) -> tuple[str, int]:
        """Find a verb that is not written in capitals."""
        arity = self._arities.get(verb.upper())
        if arity is None:
            hides_a_body = any(word[:1] == "+" and word[1:].isdigit() for word in rest.split(" "))
            problem = f"there is no verb {verb[:_MOST_SHOWN]!a}; HELP tells which there are"
            raise LineFault(Reason.BAD_LINE, problem, request, fatal=hides_a_body)
        return verb.upper(), arity

    def _with_options(self, request: str, verb: str, words: list[str], rest: str) -> Frame:
        """Read options; a fault among them is fatal, because they tell how long the body is."""
        if rest[1:].isdigit():
            self._length = self._read_length(rest[1:], request)
            return Frame(request, verb, words, {})
        kind: PayloadKind | None = None
        options: dict[str, str] = {}
        taken = 0
        while rest[:1] == "+":
            taken += 1
            option, _, rest = rest.partition(" ")
            name, _, value = option[1:].partition("=")
            if name in options or not name or taken > self._limits.options:
                raise LineFault(Reason.BAD_LINE, "an option is there twice, or too many are", request, fatal=True)
            if name[0].isdigit():
                if self._length >= 0:
                    raise LineFault(Reason.BAD_LINE, "it has two lengths", request, fatal=True)
                self._length = self._read_length(option[1:], request)
            elif name in _KINDS and not value and kind is None:
                kind = _KINDS[name]
            else:
                options[name] = value
        if self._length < 0:
            return Frame(request, verb, words, options, _text(rest), kind)
        if rest:
            raise LineFault(Reason.BAD_LINE, "behind a length there is no text", request, fatal=True)
        return Frame(request, verb, words, options, None, kind)

    def _read_length(self, digits: str, request: str) -> int:
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise LineFault(Reason.BAD_LINE, "the length of a body is no number", request, fatal=True)
        length = int(digits)
        if length > self._limits.payload:
            raise LineFault(Reason.LIMIT, f"{self._limits.payload} bytes of a body", request, fatal=True)
        return length

    def _with_body(self, frame: Frame) -> Frame | None:
        place, buffer = self._place, self._buffer
        end = place + self._length
        if len(buffer) <= end:
            return None
        after = end
        if buffer[end] == _CARRIAGE_RETURN:
            if len(buffer) == end + 1:
                return None
            after += 1
        if buffer[after] != _LINE_FEED:
            problem = f"behind the {self._length} bytes of the body there is no end of the line"
            raise LineFault(Reason.BAD_LINE, problem, frame.request, fatal=True)
        self._place = after + 1
        self._frame = None
        frame.body = bytes(buffer[place:end])
        return frame


def _text(rest: str) -> str | None:
    """Return a body that stands in its line; a colon before it says that nothing of it is an option."""
    return rest[1:] if rest[:1] == ":" else rest or None


def repeated_bodies(lines: bytes, head: bytes, most: int) -> list[bytes]:
    """Return the bodies of lines, of which the first begins so, up to a line that begins in another way."""
    parts = lines.split(b"\n", most)[:most]
    bodies = [part.removeprefix(head) for part in parts]
    if sum(map(len, parts)) - sum(map(len, bodies)) == len(parts) * len(head):
        return bodies
    return [part[len(head) :] for part in takewhile(lambda part: part.startswith(head), parts)]
