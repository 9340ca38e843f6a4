"""What can be printed stands in a line; the rest goes by length."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import binary, one_of, text

from pkid.line.printable import is_printable
from tests.support import Case


def slowly(data: bytes) -> bool:
    """Tell the same by looking at each character."""
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


class PrintableTests(Case):
    def test_every_byte_alone_and_amid_text(self) -> None:
        for byte in range(256):
            for data in (bytes((byte,)), b"amid " + bytes((byte,)) + b" text"):
                self.assertEqual(is_printable(data), slowly(data), data)

    @given(one_of(binary(), text().map(str.encode), text(alphabet="a ~\x7f\x1f\té \u200b").map(str.encode)))
    def test_it_is_what_the_characters_say(self, data: bytes) -> None:
        self.assertEqual(is_printable(data), slowly(data))
        self.assertEqual(is_printable(bytearray(data)), slowly(data))

    def test_nothing_at_all_can_be_printed(self) -> None:
        self.assertTrue(is_printable(b""))
