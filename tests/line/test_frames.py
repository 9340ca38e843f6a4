"""How lines are parted, and what is refused before it is kept."""

from __future__ import annotations

from pkid.broker.payload import PayloadKind
from pkid.errors import Reason
from pkid.line.frames import Frame, FrameReader, Limits, LineFault
from tests.support import Case

ARITIES = {"PUBLISH": 1, "PING": 0, "GRANT": 3}


def frames(data: bytes, limits: Limits | None = None) -> list[Frame]:
    """Read all that is there."""
    reader = FrameReader(ARITIES, limits or Limits())
    reader.feed(data)
    return list(iter(reader.read, None))


class FrameTests(Case):
    """Ids, words, options and bodies."""

    def fault(self, data: bytes, limits: Limits | None = None) -> LineFault:
        """Return the fault of what cannot be read."""
        with self.assertRaises(LineFault) as caught:
            frames(data, limits)
        fault: LineFault = caught.exception
        return fault

    def test_a_line_has_words_and_the_rest_is_text(self) -> None:
        self.assertEqual(frames(b"PUBLISH a hello  world \n"), [Frame("", "PUBLISH", ["a"], {}, "hello  world ")])

    def test_a_verb_may_be_small_and_a_line_end_in_either_way(self) -> None:
        self.assertEqual(frames(b"ping\r\n\r\n\nPiNg\n"), [Frame("", "PING", [], {})] * 2)

    def test_an_id_stands_before_the_verb(self) -> None:
        self.assertEqual(frames(b"#a7 PING\n")[0].request, "a7")

    def test_text_behind_a_colon_is_never_an_option(self) -> None:
        self.assertEqual(frames(b"PUBLISH a :+5 :x\n")[0].body, "+5 :x")
        self.assertEqual(frames(b"PUBLISH a :\n")[0].body, "")

    def test_options_stand_before_the_text(self) -> None:
        expected = Frame("1", "PUBLISH", ["a"], {"qos": "1", "again": ""}, "+x", PayloadKind.JSON)
        self.assertEqual(frames(b"#1 PUBLISH a +qos=1 +json +again :+x\n"), [expected])

    def test_a_body_by_length_may_hold_anything(self) -> None:
        expected = Frame("", "PUBLISH", ["a"], {}, b"x\nPING\n\0", None)
        for end in (b"\n", b"\r\n"):
            self.assertEqual(frames(b"PUBLISH a +8" + end + b"x\nPING\n\0" + end + b"PING\n")[0], expected)
        self.assertEqual(frames(b"PUBLISH a +0\n\n")[0].body, b"")

    def test_bytes_may_come_one_by_one(self) -> None:
        reader = FrameReader(ARITIES, Limits())
        seen = []
        for byte in b"#1 PUBLISH a +3 +cbor\r\nx\ny\r\nPING\r\n":
            reader.feed(bytes([byte]))
            seen += list(iter(reader.read, None))
        self.assertEqual(seen, [Frame("1", "PUBLISH", ["a"], {}, b"x\ny", PayloadKind.CBOR), Frame("", "PING", [], {})])
        self.assertEqual(reader.waiting, 0)

    def test_an_unknown_verb_is_told_and_the_next_line_is_read(self) -> None:
        reader = FrameReader(ARITIES, Limits())
        reader.feed(b"#9 JUMP up\nPING\n")
        with self.assertRaises(LineFault) as caught:
            reader.read()
        self.assertEqual((caught.exception.request, caught.exception.fatal), ("9", False))
        self.assertIn("'JUMP'", str(caught.exception))
        self.assertEqual(reader.read(), Frame("", "PING", [], {}))

    def test_an_unknown_verb_with_a_length_is_fatal_because_its_body_would_be_read_as_lines(self) -> None:
        self.assertTrue(self.fault(b"JUMP up +8\nPING\n").fatal)

    def test_a_line_that_does_not_end_is_refused_before_it_is_kept(self) -> None:
        limits = Limits(line=20)
        self.assertEqual(frames(b"x" * 20, limits), [])
        fault = self.fault(b"x" * 22, limits)
        self.assertTrue(fault.fatal)
        self.assertEqual(fault.reason, Reason.BAD_LINE)

    def test_a_line_that_is_too_long_is_refused_although_its_end_is_there(self) -> None:
        self.assertTrue(self.fault(b"PUBLISH a " + b"x" * 20 + b"\n", Limits(line=20)).fatal)

    def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_comes(self) -> None:
        self.assertEqual(self.fault(b"#1 PUBLISH a +101\n", Limits(payload=100)).reason, Reason.LIMIT)
        self.assertEqual(frames(b"PUBLISH a +100\n", Limits(payload=100)), [])

    def test_what_parts_lines_or_moves_cursors_is_refused(self) -> None:
        for control in (b"\0", b"\x1b", b"\x7f", b"\r", b"\x08"):
            self.assertTrue(self.fault(b"PUBLISH a x" + control + b"y\n").fatal)
        self.assertEqual(frames(b"PUBLISH a x\ty\n")[0].body, "x\ty")

    def test_what_is_not_utf_8_is_refused(self) -> None:
        self.assertTrue(self.fault(b"PUBLISH a \xff\n").fatal)

    def test_faults_of_what_tells_the_length_are_fatal(self) -> None:
        for line in (
            b"PUBLISH a +5 hello\n",
            b"PUBLISH a +5 +6\n",
            b"PUBLISH a +x +x\n",
            b"PUBLISH a + hello\n",
            b"PUBLISH a +5x\n",
            b"PUBLISH a +9999999999\n",
            b"PUBLISH a " + b" ".join(b"+o%d" % n for n in range(17)) + b"\n",
            b"# PING\n",
            b"#" + b"i" * 65 + b" PING\n",
            b"PUBLISH a +2\nabc\n",
            b"PUBLISH a +2\nab\rc\n",
        ):
            self.assertTrue(self.fault(line).fatal, line)
        self.assertTrue(self.fault("PUBLISH a +\N{ARABIC-INDIC DIGIT FIVE}\nhello\n".encode()).fatal)
