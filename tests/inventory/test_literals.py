"""Literals: what stands for a value of each type, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pkid.errors import Malformed
from pkid.inventory.kinds import Field, Type
from pkid.inventory.literals import Literal, read_duration, read_value
from tests.support import Case

NOW = datetime(2031, 5, 6, 12, tzinfo=UTC)


class LiteralTests(Case):
    def reads(self, kind: Type, **values: object) -> None:
        for text, value in values.items():
            self.assertEqual(read_value(Literal(text), Field("f", kind, ""), NOW), value, text)

    def refuses(self, kind: Type, *texts: str) -> None:
        for text in texts:
            with self.assertRaisesRegex(Malformed, r"^f is .*, at character 1 of the search$"):
                read_value(Literal(text), Field("f", kind, ""), NOW)

    def test_texts(self) -> None:
        self.reads(Type.TEXT, **{"a": "a", "30d": "30d", "": ""})

    def test_nothing(self) -> None:
        for kind in Type:
            self.assertIsNone(read_value(Literal("null"), Field("f", kind, ""), NOW))
        self.assertEqual(read_value(Literal("null", quoted=True), Field("f", Type.TEXT, ""), NOW), "null")

    def test_numbers_and_truth(self) -> None:
        self.reads(Type.INTEGER, **{"0": 0, "-5": -5, "999999999999999999": 10**18 - 1})
        self.refuses(Type.INTEGER, "", "1.5", "1_0", "\u0663", "9" * 19, "x")
        self.reads(Type.BOOLEAN, true=True, false=False)
        self.refuses(Type.BOOLEAN, "True", "1", "yes", "")

    def test_instants(self) -> None:
        later, earlier = NOW + timedelta(days=30), NOW - timedelta(hours=12)
        self.reads(Type.INSTANT, **{"30d": later, "+30d": later, "-12h": earlier, "0s": NOW})
        self.reads(Type.INSTANT, **{"2031-05-06": NOW.replace(hour=0), "2031-05-06T12:00:00Z": NOW})
        self.reads(Type.INSTANT, **{"2031-05-06T14:00:00+02:00": NOW, "2031-05-06T12:00": NOW})
        self.refuses(Type.INSTANT, "", "tomorrow", "2031-13-01", "12:00", "30", "30y", "999999999w", "2031-05-06T25:00")

    def test_durations(self) -> None:
        for text, seconds in (("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("2w", 1209600), ("-1m", -60)):
            self.assertEqual(read_duration(text), timedelta(seconds=seconds))
        self.refuses(Type.DURATION, "", "1", "d", "1.5d", "1 d", "1D", "999999999w")
        for text in ("1", "999999999w", "-999999999w"):
            self.assertRaises(ValueError, read_duration, text)

    def test_digits(self) -> None:
        for text in ("1a", "0x1A", "1:a", "001a", "0" * 60 + "1a"):
            self.reads(Type.SERIAL, **{text: "1a".rjust(40, "0")})
        self.refuses(Type.SERIAL, "", "g", "-1", "1" * 41, ":")
        self.reads(Type.DIGEST, **{"ab" * 32: ":".join(["AB"] * 32), ":".join(["AB"] * 32): ":".join(["AB"] * 32)})
        self.refuses(Type.DIGEST, "x", "1" * 65)

    def test_an_error_shows_a_part_of_a_long_one(self) -> None:
        with self.assertRaises(Malformed) as raised:
            read_value(Literal("x" * 9000), Field("f", Type.INTEGER, ""), NOW)
        self.assertLess(len(str(raised.exception)), 200)
