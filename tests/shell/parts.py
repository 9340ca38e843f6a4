"""Multipart answers for tests, by the form that the originals' clients read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BOUNDARY_TYPE", "Part", "file", "text", "write_parts"]

BOUNDARY_TYPE = "multipart/mixed;boundary=cli-part"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its headers and its content."""

    headers: Mapping[str, str]
    content: bytes


def file(name: str, content: bytes = b"content", headers: Mapping[str, str] | None = None) -> Part:
    """Return a file under an encoded name."""
    disposition = f'attachment; filename="{name}"'
    about = {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    return Part({**about, **(headers or {})}, content)


def text(content: bytes) -> Part:
    """Return what a command gives as text."""
    return Part({"Content-Type": "text/plain"}, content)


def write_parts(*parts: Part) -> bytes:
    """Write a body."""
    body = b""
    for part in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in part.headers.items())
        body += b"--cli-part\r\n" + head.encode() + b"\r\n" + part.content + b"\r\n"
    return body + b"--cli-part--\r\n"
