"""Texts on a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

from pkid.answers import BadAnswer
from pkid.shell import screen
from pkid.shell.screen import Screen, printable
from tests.support import Case


class ScreenTests(Case):
    def setUp(self) -> None:
        self.out = io.StringIO()
        self.patch(screen, "_ROWS", 3)

    def shown(self, content_type: str, *pieces: bytes) -> str:
        Screen(self.out, color=False, width=80).text(content_type, pieces)
        return self.out.getvalue()

    def items(self, *items: str | Mapping[str, object]) -> str:
        return self.shown("application/x-ndjson", *(json.dumps(item).encode() + b"\n" for item in items))

    def test_text_is_shown_as_it_comes(self) -> None:
        self.assertEqual(self.shown("text/plain", b"a\n\tb", "é".encode()[:1], "é".encode()[1:]), "a\n\tbé\n")

    def test_nothing_can_control_the_terminal(self) -> None:
        hostile = "\x1b]0;title\x07\x1b[2J\r\x9b31m\u202e\u2028"
        for said in (self.shown("text/plain", hostile.encode()), self.items(hostile, {hostile: hostile}, {"a": 1})):
            self.assertEqual([letter for letter in said if not letter.isprintable() and letter not in "\n\t"], [])
        self.assertIn("]0;title", self.out.getvalue())

    def test_bytes_that_are_no_text_are_replaced(self) -> None:
        self.assertEqual(self.shown("text/plain", b"\xff"), "\ufffd\n")
        self.assertEqual(printable("a\0b"), "a\ufffdb")

    def test_lines_are_shown_as_lines(self) -> None:
        self.assertEqual(self.items("help  [red]tell[/red] :smile:", ""), "help  [red]tell[/red] :smile:\n\n")

    def test_one_item_has_a_line_for_each_field(self) -> None:
        said = self.items({"name": "pkid", "list": ["a", 1], "none": None, "yes": True, "deep": {"a": "é"}})
        self.assertEqual([line.split() for line in said.splitlines()][:2], [["name", "pkid"], ["list", "a,", "1"]])
        self.assertEqual([line.split() for line in said.splitlines()][2:4], [["none"], ["yes", "true"]])
        self.assertIn('{"a": "é"}', said)

    def test_several_are_a_table(self) -> None:
        said = self.items({"name": "a", "size": 1}, {"name": "b", "size": 22})
        head, first, second = said.splitlines()
        self.assertEqual([head.split(), first.split(), second.split()], [["name", "size"], ["a", "1"], ["b", "22"]])

    def test_many_are_shown_page_by_page(self) -> None:
        said = self.items(*({"name": f"n{number}"} for number in range(7)))
        self.assertEqual(said.count("name"), 3)
        self.assertEqual([said.count(f"n{number}") for number in range(7)], [1] * 7)

    def test_the_widest_columns_give_way_and_that_is_told(self) -> None:
        row = {"name": "web", "sha256": "x" * 95, "end": "2031", "serial": "y" * 40, "more": "z" * 30, "none": None}
        head, first, _, note = self.items(row, row).splitlines()
        self.assertEqual((head.split(), first.split()[0]), (["name", "end", "more"], "web"))
        self.assertIn("(no room for sha256, serial;", note)

    def test_of_certificates_the_name_the_serial_number_and_the_end_stay(self) -> None:
        row = {"kind": "certificate", "serial": "4" * 40, "name": "db.example", "proven": False, "profile": "component",
               "credential": "psk:default", "not_after": "2031-05-09T12:00:00Z", "age": "12h5m1s"}  # fmt: skip
        head, _, _, note = self.items(row, row).splitlines()
        self.assertEqual(head.split(), ["name", "serial", "not_after"])
        self.assertIn("(no room for kind, proven, profile, credential, age;", note)

    def test_of_several_kinds_none_counts(self) -> None:
        rows = [{"kind": kind, "name": "a", "serial": "4" * 70} for kind in ("certificate", "authority")]
        self.assertEqual(self.items(*rows).splitlines()[0].split(), ["kind", "name"])

    def test_a_column_alone_is_folded(self) -> None:
        said = self.items({"a": "x" * 200}, {"a": "y"})
        self.assertEqual(said.count("x"), 200)

    def test_columns_without_anything_are_left_out(self) -> None:
        self.assertEqual(self.items({"a": 1, "b": None}, {"a": 2, "b": ""}).split(), ["a", "1", "2"])

    def test_other_fields_are_another_table(self) -> None:
        self.assertEqual(self.items({"a": 1}, "line", {"b": 2}).split(), ["a", "1", "line", "b", "2"])

    def test_items_may_be_cut_anywhere(self) -> None:
        self.assertEqual(self.shown("application/x-ndjson", b'"a', b'b"\n"c', b'"'), "ab\nc\n")

    def test_what_is_no_item_is_shown_all_the_same(self) -> None:
        self.assertEqual(
            self.shown("application/x-ndjson", b"{broken\n[1, 2]\n7\n" + b"[" * 100_000)[:20], "{broken\n1, 2\n7\n[[[[["
        )

    def test_what_is_nested_too_deeply_is_left_out(self) -> None:
        for depth in (300, 900):
            nested = b"[" * depth + b"]" * depth
            self.shown("application/x-ndjson", nested + b"\n", b'{"a":' + nested + b"}\n", b'{"a": [1, [2]]}\n')
        self.assertIn("[1, [2]]", self.out.getvalue())

    def test_a_line_has_a_limit(self) -> None:
        self.patch(screen, "_LONGEST_LINE", 10)
        self.assertRaises(BadAnswer, self.shown, "application/x-ndjson", b"x" * 11, b"x")

    def test_without_colours_there_are_none_and_with_them_there_are(self) -> None:
        self.items({"a": 1}, {"a": 2})
        self.assertNotIn("\x1b", self.out.getvalue())
