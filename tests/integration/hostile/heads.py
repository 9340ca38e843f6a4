"""HTTP that is malformed, too large, ambiguous, or for no page."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.hostile.attempt import Attempt, head, post

__all__ = ["heads"]

OPEN = ("/ca/cert", "/system/ping", "/system/ready")
PROTECTED = ("/ca/sign", "/cli/execute", "/cli/evaluate", "/cli/info", "/graph/fix/model", "/metrics")
ODD_METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "G-E.T!")
CHUNKED = b"Transfer-Encoding: chunked"
KIB = 1024


def heads(authorization: bytes) -> Iterator[Attempt]:
    """Yield them.

    :param authorization: a header line with a good token.
    """
    for about, sent in _malformed():
        yield Attempt(about, sent, 400)
    yield from _large()
    yield from _chunks()
    yield from _targets(authorization)
    yield from _methods(authorization)


def _malformed() -> Iterator[tuple[str, bytes]]:
    get = b"GET /system/ping HTTP/1.1\r\nHost: core\r\n"
    for line in (
        b"GET /system/ping", b"GET", b"GET /system/ping HTTP/0.9", b"GET /system/ping HTTP/2.0", b"\x16\x03\x01\x02",
        b"GET /system/ping HTTP/1.1 ", b"GET  /system/ping HTTP/1.1", b"GET\t/system/ping HTTP/1.1", b"/ HTTP/1.1",
        b" GET /system/ping HTTP/1.1", b"G\xc3\x89T /system/ping HTTP/1.1", b"GET /system/ping http/1.1", b"\0" * 50,
        b"PRI * HTTP/2.0", b"GET /sys\0tem HTTP/1.1", b"GET /sys\rtem HTTP/1.1", b"GET /sys tem HTTP/1.1",
        b"GET /\xff HTTP/1.1", b"GET /system/ping\nHTTP/1.1", b"CONNECT core:443 HTTP/1.1", b"GET core HTTP/1.1",
        b"GET file:///etc/passwd HTTP/1.1", b"GET https:///system/ping HTTP/1.1", b"GET https://a@core/ HTTP/1.1",
    ):  # fmt: skip
        yield f"the first line {line[:40]!r}", line + b"\r\nHost: core\r\n\r\n"
    for line in (
        b"no colon", b": no name", b"name : x", b"na me: x", b"name: \0", b"name: a\rb", b"name: a\nb",
        b"n\xc3\xa4me: x", b"Host: other", b"Host: core",
    ):  # fmt: skip
        yield f"the header {line!r}", get + line + b"\r\n\r\n"
    yield "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "no host", b"GET /system/ping HTTP/1.1\r\n\r\n"
    yield "a host that is none", b"GET /system/ping HTTP/1.1\r\nHost: co re/\r\n\r\n"


def _large() -> Iterator[Attempt]:
    get = b"GET /system/ping HTTP/1.1\r\nHost: core\r\n"
    yield Attempt("a header line of 100 KB", get + b"X: " + b"x" * 100_000 + b"\r\n\r\n", 400)
    yield Attempt("a first line of 100 KB", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", 400)
    yield Attempt("600 headers", get + b"a: b\r\n" * 600 + b"\r\n", 400)
    yield Attempt("20 KB of headers", get + (b"a: " + b"b" * 200 + b"\r\n") * 100 + b"\r\n", 400)
    yield Attempt("20 KB in one folded header", get + b"a: b\r\n" + (b" " + b"b" * 200 + b"\r\n") * 100 + b"\r\n", 400)
    for length in (b"-1", b"+5", b"0x10", b"5, 5", b"five", b"", b"1e3", b"\xc2\xb2", b"9" * 5000):
        yield Attempt(f"a length of {length[:10]!r}", get + b"Content-Length: " + length + b"\r\n\r\n", 400)
    for lengths in ((b"5", b"6"), (b"5", b"5")):
        lines = b"".join(b"Content-Length: " + length + b"\r\n" for length in lengths)
        yield Attempt(f"the lengths {lengths}", get + lines + b"\r\nhello", 400)
    for path, limit in (
        ("/ca/sign", 64 * KIB),
        ("/cli/execute", 128 * KIB),
        ("/ca/cert", 4 * KIB),
        ("/none", 4 * KIB),
    ):
        yield Attempt(f"a body too large for {path}", head("POST", path, b"Content-Length: %d" % (limit + 1)), 413)
    yield Attempt("a body of 30 digits", head("POST", "/ca/sign", b"Content-Length: " + b"9" * 30), 413)
    patient = head("POST", "/ca/sign", b"Content-Length: %d" % (64 * KIB + 1), b"Expect: 100-continue")
    yield Attempt("a body too large that waits to be asked for", patient, 413)


def _chunks() -> Iterator[Attempt]:
    start = head("POST", "/ca/sign", CHUNKED)
    piece = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    yield Attempt("chunks over the limit", start + piece * 17 + b"0\r\n\r\n", 413)
    yield Attempt("one enormous chunk", start + b"40000000\r\n" + b"x" * 70_000, 413)
    yield Attempt("chunks of one byte", start + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n", 401)
    for chunk in (
        b"-1\r\n", b"xyz\r\n", b"\r\n", b" 5\r\nhello\r\n", b"0x5\r\nhello\r\n", b"5\r\nhello!\r\n", b"5\nhello\r\n",
        b"5;" + b"e" * 2000 + b"\r\n", b"5;\0\r\nhello\r\n", b"f" * 2000,
    ):  # fmt: skip
        yield Attempt(f"the chunk {chunk[:12]!r}", start + chunk + b"0\r\n\r\n", 400)
    yield Attempt("an endless trailer", start + b"0\r\n" + b"a: b\r\n" * 12_000, 400)
    both = head("POST", "/ca/sign", CHUNKED, b"Content-Length: 5")
    yield Attempt("two ways to end", both + b"0\r\n\r\n", 400)
    yield Attempt("the other way round", head("POST", "/ca/sign", b"Content-Length: 5", CHUNKED) + b"0\r\n\r\n", 400)
    for coding in (b"gzip", b"gzip, chunked", b"chunked, gzip", b"identity", b"\x0bchunked", b"x"):
        yield Attempt(f"the coding {coding!r}", head("POST", "/ca/sign", b"Transfer-Encoding: " + coding), 400)
    yield Attempt("chunked twice", head("POST", "/ca/sign", CHUNKED, CHUNKED) + b"0\r\n\r\n", 400)


def _targets(authorization: bytes) -> Iterator[Attempt]:
    for target in (
        "/ca/cert/", "/CA/CERT", "//ca/cert", "/./ca/cert", "/ca/../ca/cert", "/ca%2fcert", "/ca/cert%00",
        "/ca/cert;a=b", "/ca/cert#x", "/%", "/" + "a/" * 4000, "/" + "%2e%2e/" * 50 + "etc/passwd",
        "/<script>", "*", "/\x7f",
        "/?" + "a=b&" * 3000, "https://core/ca/cert/", "http://core",
    ):  # fmt: skip
        yield Attempt(f"the target {target[:20]!r}", head("GET", target), 401)
        yield Attempt(f"the target {target[:20]!r} with a token", head("GET", target, authorization), 404)
    yield Attempt("an absolute target", head("GET", "https://anywhere:1/system/ping?a"), 200)
    yield Attempt("an old request without a host", b"GET /system/ping HTTP/1.0\r\n\r\n", 200)
    yield Attempt("an empty line first", b"\r\n" + head("GET", "/system/ping"), 200)
    yield Attempt(
        "a wish for another protocol", head("GET", "/system/ping", b"Upgrade: h2c", b"Connection: Upgrade"), 200
    )
    yield Attempt("a wish for a range", head("GET", "/ca/cert", b"Range: bytes=0-,0-,0-,0-"), 200)
    pipelined = head("GET", "/system/ping") * 100
    yield Attempt("a hundred requests at once", pipelined, 200)


def _methods(authorization: bytes) -> Iterator[Attempt]:
    for method in ODD_METHODS:
        for path in OPEN:
            yield Attempt(f"{method} {path}", head(method, path), 405)
        for path in (*PROTECTED, "/ca/renew", "/nowhere"):
            yield Attempt(f"{method} {path}", head(method, path), 401)
        for path in PROTECTED:
            yield Attempt(f"{method} {path} with a token", head(method, path, authorization), 405)
    for path in ("/ca/sign", "/cli/execute", "/cli/evaluate"):
        yield Attempt(f"GET {path} with a token", head("GET", path, authorization), 405)
    for path in ("/ca/cert", "/system/ping"):
        yield Attempt(f"POST {path}", post(path, b"x"), 405)
