"""Multipart answers, however they arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from pkid.answers import BadAnswer
from pkid.shell.multipart import boundary_of, read_parts
from tests.shell.parts import BOUNDARY_TYPE, file, text, write_parts
from tests.support import Case

KEY, TEXT = file("a.key", b"some\r\n--k\n"), text(b"")
BODY = write_parts(KEY, TEXT, KEY)


def reader(pieces: Iterable[bytes]) -> Callable[[], bytes]:
    """Return a function that gives the pieces, and then nothing."""
    rest = [piece for piece in pieces if piece]
    return lambda: rest.pop(0) if rest else b""


def parts(*pieces: bytes, boundary: bytes = b"cli-part") -> list[tuple[str | None, bytes]]:
    return [(part.headers.get("content-type"), b"".join(part.pieces)) for part in read_parts(reader(pieces), boundary)]


class MultipartTests(Case):
    expected: ClassVar = [(each.headers["Content-Type"], each.content) for each in (KEY, TEXT, KEY)]

    def test_what_the_core_writes_is_read(self) -> None:
        self.assertEqual(parts(BODY, boundary=boundary_of(BOUNDARY_TYPE)), self.expected)

    def test_the_pieces_may_end_anywhere(self) -> None:
        for cut in range(1, len(BODY)):
            self.assertEqual(parts(BODY[:cut], BODY[cut:]), self.expected)
        self.assertEqual(parts(*(BODY[at : at + 1] for at in range(len(BODY)))), self.expected)

    def test_content_is_handed_on_before_its_end_has_come(self) -> None:
        pieces = [b"--b\r\n\r\n", b"x" * 1000]
        part = next(read_parts(reader(pieces), b"b"))
        self.assertGreater(len(next(part.pieces)), 900)

    def test_a_part_that_is_not_read_is_passed_over(self) -> None:
        self.assertEqual(len(list(read_parts(reader([BODY]), b"cli-part"))), 3)

    def test_what_stands_before_and_behind_is_ignored(self) -> None:
        self.assertEqual(parts(b"preamble\r\n" + BODY + b"epilogue"), self.expected)

    def test_an_answer_that_breaks_off_is_bad(self) -> None:
        for end in range(len(BODY) - 4):
            self.assertRaises(BadAnswer, parts, BODY[:end])

    def test_a_head_has_a_limit(self) -> None:
        self.assertRaises(BadAnswer, parts, b"--cli-part\r\n" + b"a" * 20_000)
        self.assertRaises(BadAnswer, parts, b"--cli-part\r\nX: " + b"a" * 9000 + b"\r\n\r\nx\r\n--cli-part--")

    @given(st.lists(st.sampled_from([b"--b", b"\r\n", b"--", b"\r\n\r\n", b"A: b", b"x"]) | st.binary(max_size=5)))
    def test_any_bytes_are_read_or_bad(self, pieces: list[bytes]) -> None:
        try:
            parts(*pieces, boundary=b"b")
        except BadAnswer:
            pass

    def test_boundaries(self) -> None:
        self.assertEqual(boundary_of("multipart/mixed;boundary=cli-part"), b"cli-part")
        self.assertEqual(boundary_of('multipart/mixed; Boundary="a b"; x=y'), b"a b")
        for wrong in ("multipart/mixed", "multipart/mixed; boundary=", f"multipart/mixed; boundary={'x' * 71}"):
            self.assertRaises(BadAnswer, boundary_of, wrong)
