"""What an answer of the core becomes: texts on standard output, files in their directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from http import HTTPStatus
from itertools import groupby
from typing import BinaryIO, Protocol

from pkid.answers import busy, succeeded
from pkid.exchange import Response
from pkid.shell.downloads import Downloads, file_name, shown
from pkid.shell.multipart import Part, boundary_of, read_parts

__all__ = ["Pipe", "Writer", "checked", "content_type", "write_answer"]

_FILE = "application/octet-stream"


class Writer(Protocol):
    """Where texts go."""

    def text(self, content_type: str, pieces: Iterable[bytes]) -> None:
        """Write a text as it comes, and end its last line."""

    def line(self, text: str) -> None:
        """Write a line of the program's own."""


class Pipe:
    """Writes what comes, byte by byte, for another program or a file."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def text(self, content_type: str, pieces: Iterable[bytes]) -> None:
        """Write a text as it comes, and end its last line."""
        last = b"\n"
        for last in filter(None, pieces):
            self._out.write(last)
            self._out.flush()
        if not last.endswith(b"\n"):
            self._out.write(b"\n")
        self._out.flush()

    def line(self, text: str) -> None:
        """Write a line of the program's own."""
        self._out.write(f"{text}\n".encode("utf-8", "surrogateescape"))
        self._out.flush()


def checked(response: Response) -> Response:
    """Return an answer with status 200.

    :raises CoreError: for any other.
    """
    if response.status != HTTPStatus.OK:
        answer = response.whole()
        if response.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise busy(answer)
        succeeded(answer)
    return response


def content_type(headers: Message[str, str]) -> str:
    """Return the content type without its parameters, in lower case."""
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def write_answer(
    headers: Message[str, str], read: Callable[[], bytes], writer: Writer, downloads: Downloads, separator: str = ""
) -> None:
    """Write the texts of an answer, and store its files: those that stand together all, or none of them.

    :param read: returns the next piece of its body, and nothing at the end.
    :param separator: a line that stands before each text but the first part of an answer, if it is not empty.
    :raises ShellError: when a file cannot be stored.
    :raises CoreError: when the answer breaks off.
    """
    behind = False
    for are_files, parts in groupby(_parts(headers, read), _is_file):
        if are_files:
            for path in downloads.store((file_name(part.headers), part.pieces) for part in parts):
                writer.line(f"Received a file {path.name}, which is stored to {shown(path)}")
            behind = True
            continue
        for part in parts:
            if behind and separator:
                writer.line(separator)
            writer.text(content_type(part.headers), part.pieces)
            behind = True


def _parts(headers: Message[str, str], read: Callable[[], bytes]) -> Iterator[Part]:
    if content_type(headers).startswith("multipart/"):
        return read_parts(read, boundary_of(headers["Content-Type"]))
    return iter([Part(headers, iter(read, b""))])


def _is_file(part: Part) -> bool:
    return content_type(part.headers) == _FILE
