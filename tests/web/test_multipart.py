"""Multipart bodies, as the shells send and read them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pkid.errors import Malformed
from pkid.web.multipart import END, part_head, read_parts
from tests.support import Case

TYPE = "multipart/form-data; boundary=b"
ONE = b"--b\r\nX: y\r\n\r\ncontent\r\n--b--\r\n"


class WriteTests(Case):
    def test_the_bytes(self) -> None:
        parts = [part_head({"Content-Type": "text/plain", "X": "1"}) + b"a\nb\r\n", part_head({}) + b"\r\n", END]
        self.assertEqual(
            b"".join(parts),
            b"--cli-part\r\nContent-Type: text/plain\r\nX: 1\r\n\r\na\nb\r\n--cli-part\r\n\r\n\r\n--cli-part--\r\n",
        )

    @given(st.lists(st.binary(max_size=30)))
    def test_what_is_written_can_be_read(self, contents: list[bytes]) -> None:
        body = b"".join([*(part_head({"A": "b"}) + content + b"\r\n" for content in contents), END])
        self.assertEqual(read_parts(body, "multipart/mixed;boundary=cli-part"), contents)


class ReadTests(Case):
    def test_parts(self) -> None:
        self.assertEqual(read_parts(ONE, TYPE), [b"content"])
        self.assertEqual(read_parts(ONE, 'Multipart/Mixed; x=y; boundary="b"'), [b"content"])
        self.assertEqual(read_parts(b"before\r\n" + ONE + b"behind", TYPE), [b"content"])
        self.assertEqual(read_parts(b"--b \t\r\n\r\n\r\n\r\n--b--", TYPE), [b"\r\n"])
        self.assertEqual(read_parts(b"--b--", TYPE), [])

    def test_odd_boundaries(self) -> None:
        for kind in (
            "boundary*=undefined''b",
            "boundary*=idna''b%ff",
            "boundary*" + "9" * 5000 + "*=b",
            '"' + ";" * 9000,
        ):
            with self.assertRaisesRegex(Malformed, "needs a boundary"):
                read_parts(ONE, f"multipart/mixed; {kind}")

    def test_no_boundary(self) -> None:
        for kind in ("multipart/form-data", "multipart/form-data; boundary=", f"multipart/x; boundary={'b' * 71}"):
            with self.assertRaisesRegex(Malformed, "needs a boundary"):
                read_parts(ONE, kind)

    def test_no_end(self) -> None:
        for body in (b"", b"nothing", b"--b\r\n\r\ncontent", b"--b\r\n\r\ncontent\r\n--b"):
            with self.assertRaises(Malformed):
                read_parts(body, TYPE)

    def test_heads(self) -> None:
        for head in (b"", b"X: y", b"X: y\r\n", b"x" * 5000 + b"\r\n\r\n"):
            with self.assertRaisesRegex(Malformed, "no head, or a long one"):
                read_parts(b"--b\r\n" + head + b"\r\n--b--", TYPE)

    def test_too_many(self) -> None:
        part = b"--b\r\n\r\n\r\n"
        self.assertEqual(len(read_parts(part * 64 + b"--b--", TYPE)), 64)
        for count in (65, 66, 100, 50_000):
            with self.assertRaisesRegex(Malformed, "more than 64 parts"):
                read_parts(part * count + b"--b--", TYPE)

    @given(st.binary(max_size=200), st.text(max_size=40))
    def test_whatever_comes_is_parts_or_an_error(self, body: bytes, boundary: str) -> None:
        try:
            read_parts(body, f"multipart/x; boundary={boundary}")
        except Malformed:
            pass
