"""What a request is for: its target and its host, by the rules of HTTP/1.1 (RFC 9112, section 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["BadTarget", "read_target"]

_AUTHORITY = rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?"
_HOST = re.compile(_AUTHORITY)
_ABSOLUTE = re.compile(rb"https?://(?P<host>" + _AUTHORITY + rb")(?P<path>[/?].*)?", re.IGNORECASE)


class BadTarget(ValueError):
    """The head of a request does not say, or says twice, what the request is for."""


def read_target(target: bytes, hosts: Sequence[bytes], version: bytes) -> tuple[bytes, bytes | None]:
    """Return the path with its query, and the host, which an HTTP/1.0 request may leave out.

    A target in absolute form (``https://host/path``) is served as any other, and its host counts (section 3.2.2). The
    target ``*`` stands for itself.

    :param hosts: the values of the ``Host`` header.
    :param version: of the request, as in its first line.
    :raises BadTarget: when the target has no form that a page can have, or the host is not exactly one valid one.
    """
    if len(hosts) > 1 or not (hosts or version == b"HTTP/1.0") or not all(map(_HOST.fullmatch, hosts)):
        raise BadTarget
    if target.startswith(b"/") or target == b"*":
        return target, hosts[0] if hosts else None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or absolute["host"].partition(b":")[0] == b"":
        raise BadTarget
    path = absolute["path"] or b"/"
    return path if path.startswith(b"/") else b"/" + path, absolute["host"]
