"""Commands that no one means well with, for ``POST /cli/execute``."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.hostile.attempt import Attempt, post

__all__ = ["commands"]

CREATE = b"certificate create --common-name "
TEXT = b"text/plain"


def commands(authorization: bytes) -> Iterator[Attempt]:
    """Yield them.

    :param authorization: a header line with a good token.
    """
    for kind in (
        None, b"", b"application/x-www-form-urlencoded", b"application/json", b"image/png", b"\xff", b"x" * 8000,
        b";;;", b"application/octet-stream", b"\x1b[31mtext/plain", b"/plain",
    ):  # fmt: skip
        headers = (authorization,) if kind is None else (authorization, b"Content-Type: " + kind)
        about = f"a body of type {kind[:20]!r}" if kind is not None else "a body without a type"
        yield Attempt(about, post("/cli/execute", b"help", *headers), 400, "content-type")
    for text in _texts():
        sent = post("/cli/execute", text, authorization, b"Content-Type: " + TEXT)
        yield Attempt(f"the command {text[:30]!r} of {len(text)} bytes", sent, 400, "CLIParseError")
    yield from _multipart(authorization)
    for name in (b"a\nb", "\u202e".encode(), b"\x9b31m", b"/etc/passwd", b"../../x", b"..", b"C:\\x", b"-x", b"x" * 65):
        text = CREATE + b"'" + name + b"' --dns-names a.example"
        sent = post("/cli/execute", text, authorization, b"Content-Type: " + TEXT)
        yield Attempt(f"a certificate for {name!r}", sent, 400, "CLIParseError")
    for path in ("/cli/execute", "/cli/evaluate"):
        sent = post(path, b"help " * 26_000, authorization, b"Content-Type: " + TEXT)
        yield Attempt(f"128 KB for {path}", sent, 400, "CLIParseError")
        yield Attempt("the same from a stranger", post(path, b"help " * 26_000, b"Content-Type: " + TEXT), 401)


def _texts() -> Iterator[bytes]:
    yield from (b"", b" \t\r\n", b";", b"help;", b"|", b"help |", b"| count", b"help || count", b"a=1 b=2")
    yield from (b"'", b'"', b"help 'a", b'help "a\\', b"help \\", b"help 'a' \"b", b"'help''")
    yield from (b"\0", b"help \0", b"help \x1b[2J", b"help \x7f", b"help \r\x0b", "help \u2028".encode(), b"\xc2\x85")
    yield from (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"help \xf5")
    yield from (
        b"nonsense",
        b"HELP",
        b"__import__('os')",
        b"$(reboot)",
        b"`reboot`",
        b"{0.__class__}",
        b"%s%n",
        b"help/../x",
    )
    yield from (
        b"help;" * 33 + b"help",
        b"help | " * 40 + b"help",
        b"x" * 32_769,
        b"help " + b"a " * 1500,
        b"'" * 32_767,
    )
    yield from (
        b"(" * 30_000,
        b"[" * 30_000,
        b"\\" * 32_767,
        b"a=" * 15_000,
        b"'a'" * 10_000 + b"'",
        b"help" + b" -" * 4000,
    )
    yield from (
        CREATE + b"a.example --days-valid " + days for days in (b"0", b"-1", b"9" * 4000, b"1e3", "\u0662".encode())
    )
    yield from (
        CREATE + b"a.example --ip-addresses " + ip for ip in (b"1.2.3", b"10.0.0.0/8", b"::/0", b"fe80::1%eth0")
    )
    yield from (
        CREATE + b"a.example --dns-names " + dns for dns in (b"*", b"a..b", b"-a", "b\u00fccher.example".encode())
    )
    yield from (
        CREATE + b"a.example --key-type rsa512",
        CREATE + b"a.example --output /etc/passwd",
        b"certificate revoke 1",
    )


def _multipart(authorization: bytes) -> Iterator[Attempt]:
    command = b"Fix-Shell-Command: help"
    good = b"--b\r\nX: y\r\n\r\ncontent\r\n--b--\r\n"
    for about, kind, body, headers in (
        ("no boundary", b"multipart/form-data", good, (command,)),
        ("an empty boundary", b"multipart/form-data; boundary=", good, (command,)),
        ("a long boundary", b"multipart/form-data; boundary=" + b"b" * 200, good, (command,)),
        ("boundaries in pieces", b"multipart/x; " + b"boundary*1=b; " * 500, good, (command,)),
        ("no end", b"multipart/form-data; boundary=b", good[:-4], (command,)),
        ("no head", b"multipart/form-data; boundary=b", b"--b\r\n--b--", (command,)),
        ("a bomb of parts", b"multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n" * 11_000 + b"--b--", (command,)),
        ("an almost boundary", b"multipart/form-data; boundary=b", b"\r\n-" * 40_000, (command,)),
        ("a long head", b"multipart/form-data; boundary=b", b"--b\r\n" + b"a: b\r\n" * 9000 + b"\r\n--b--", (command,)),
        ("no command", b"multipart/form-data; boundary=b", good, ()),
        ("a command that is not UTF-8", b"multipart/form-data; boundary=b", good, (b"Fix-Shell-Command: \xff",)),
        ("an unknown command", b"multipart/form-data; boundary=b", good, (b"Fix-Shell-Command: nonsense",)),
    ):
        sent = post("/cli/execute", body, authorization, b"Content-Type: " + kind, *headers)
        yield Attempt(f"multipart with {about}", sent, 400, "CLIParseError")
