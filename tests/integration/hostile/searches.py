"""Searches that no one means well with, for ``POST /cli/execute``."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.hostile.attempt import Attempt, post

__all__ = ["searches"]


def searches(authorization: bytes) -> Iterator[Attempt]:
    """Yield them.

    :param authorization: a header line with a good token.
    """
    for text in (*_unreadable(), *_misplaced()):
        yield _attempt(authorization, text, 400, "CLIParseError")
    for text in _dear():
        yield _attempt(authorization, text, 200)


def _attempt(authorization: bytes, text: bytes, status: int, code: str = "") -> Attempt:
    sent = post("/cli/execute", text, authorization, b"Content-Type: text/plain", b"Accept: text/plain")
    return Attempt(f"{text[:50]!r} of {len(text)} bytes", sent, status, code)


def _unreadable() -> Iterator[bytes]:
    """Yield what is no search at all."""
    for rest in (
        b"(", b")", b"is", b"is(", b"is()", b"is(certificate", b"and", b"not", b"name", b"name =", b"= a",
        b"name = a b", b"name in", b"name in [", b"name in []", b"name in [a,", b"sort", b"limit", b"limit x",
        b"limit -1", b"all all", b"name = 'a", b"is(certificate) or", b"name \x00 a", b"{0}", b"%s",
        b"(" * 10_000, b"not " * 1000, b"(" * 10_000 + b"all" + b")" * 10_000, b" or ".join([b"name = a"] * 340),
        b"name in [" + b"1," * 10_000 + b"1]", b"sort " + b"name," * 2000 + b"name", b"limit " + b"9" * 5000,
        b"serial = " + b"f" * 30_000, b"not_after < " + b"9" * 5000 + b"d", b"not_after < 9999999999999d",
        b"name = a; drop table certificates", b"name = a --", b"name = 'a\\' or 1=1 --'",
    ):  # fmt: skip
        yield b"search " + rest


def _misplaced() -> Iterator[bytes]:
    """Yield what is read, but asks for what there is not."""
    for rest in (
        b"is(password)", b"is('')", b"psk = a", b"__class__ = a", b"is(certificate) and name < a < b",
        b"is(certificate) and not_after = x", b"is(certificate) and not_after < 2024-13-45",
        b"is(certificate) sort secret", b"is(certificate) | sort nothing", b"is(certificate) | format {",
        b"is(certificate) | format {name.__class__}", b"is(certificate) | format {0}",
        b"is(certificate) | format " + b"{name}" * 6000,
    ):  # fmt: skip
        yield b"search " + rest
    for serial in (b"'a\nb'", b"nobody", b"f" * 5000):
        yield from (b"certificate show " + serial, b"certificate renew " + serial)


def _dear() -> Iterator[bytes]:
    """Yield what could cost much, and may not."""
    yield b"search is(resource) and name like '" + b"*a" * 500 + b"*b' | count"
    yield b"search is(certificate) and name like '" + b"%" * 10_000 + b"' | count"
    yield b"search " + b" and ".join([b"not name = a"] * 100) + b" | count"
    yield b"search is(certificate) and name in [" + b",".join([b"a"] * 500) + b"] | count"
    yield b'search is(certificate) and name = "a\' or 1=1 --" | count'
