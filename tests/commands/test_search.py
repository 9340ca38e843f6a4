"""``search`` and the filters behind it."""

from __future__ import annotations

from datetime import timedelta

from pkid.commands.writing import template, written
from pkid.errors import Malformed
from tests.certificates import NOON
from tests.commands.case import READER, CommandCase
from tests.store.entries import entry


class SearchCase(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        entries = [
            entry(1, name="web-1", not_after=NOON + timedelta(days=3)),
            entry(2, name="web-2", not_after=NOON + timedelta(days=40)),
            entry(3, name="db", not_after=NOON - timedelta(days=1), profile="core"),
        ]
        self.store.transact_now(lambda ledger: ledger.record(entries))

    def fails(self, text: str, message: str) -> None:
        failure = self.failureResultOf(self.start(text), Malformed)
        self.assertEqual(failure.getErrorMessage(), message)


class SearchTests(SearchCase):
    def test_the_documented_line(self) -> None:
        self.assertEqual(self.items("search is(resource) | count", READER), ["total matched: 6", "total unmatched: 0"])

    def test_the_line_of_the_help(self) -> None:
        text = "search is(certificate) and not_after < 30d and not expired = true | sort not_after | list"
        (line,) = self.items(text)
        self.assertEqual(line, f"kind=certificate, name=web-1, serial={1:040x}, not_after=2031-05-09T12:00:00Z")

    def test_each_is_a_resource_with_all_of_its_fields(self) -> None:
        (found,) = self.items("search name = web-2")
        assert not isinstance(found, str)
        self.assertEqual((found["kind"], found["expired"], found["renews"]), ("certificate", False, None))

    def test_every_kind(self) -> None:
        kinds = ["authority: 1", "core: 1", "credential: 1", "certificate: 3"]
        self.assertEqual(self.items("search all | count kind"), [*kinds, "total matched: 6", "total unmatched: 0"])
        (core,) = self.items("search is(core) and ledger_rows = 3")
        (authority,) = self.items("search is(authority) and not_after > 100d")
        (credential,) = self.items("search name = psk:default")
        assert not any(isinstance(each, str) for each in (core, authority, credential))

    def test_quotes_belong_to_the_search(self) -> None:
        self.assertEqual(len(self.items("search name = 'web-1' or name = \"web-2\" | head 5")), 2)
        self.assertEqual(len(self.items("search name in ['a|b', \"c;d\"] | head 5")), 0)

    def test_all_of_it_may_be_one_quoted_word(self) -> None:
        for text in ("'name = \"web-1\"'", "\"name = 'web-1'\"", '"name = \\"web-1\\""'):
            self.assertEqual(len(self.items(f"search {text} | list name")), 1, text)
        self.is_refused(
            Malformed, ["search 'name' = 'web-1'"], "expected a field, not 'name', at character 1 of the search"
        )

    def test_errors_come_before_anything_is_run(self) -> None:
        self.is_refused(
            Malformed,
            ["search foo = 1", "system info; search foo = 1"],
            "there is no field 'foo' at character 1; there are kind, serial, name, proven, profile, credential, "
            "sha256, issued_at, not_before, not_after, renews, origin, age, expired, role, expires, replaced_at, "
            "distrusted_at, version, trust_domain, ledger_rows, ledger_bytes",
        )
        self.is_refused(Malformed, ["search a ="], "expected a value, not the end, at character 4 of the search")

    def test_alone_it_tells_how(self) -> None:
        self.assertIn("  search SEARCH", self.items("search"))


class FilterTests(SearchCase):
    def test_count_by(self) -> None:
        lines = ["core: 1", "component: 2", "total matched: 3", "total unmatched: 0"]
        self.assertEqual(self.items("search is(certificate) | count profile"), lines)
        lines = ["true: 1", "false: 3", "total matched: 4", "total unmatched: 2"]
        self.assertEqual(self.items("search all | count expired"), lines)
        self.assertEqual(self.items("help | head 2 | count name"), ["total matched: 0", "total unmatched: 2"])

    def test_list(self) -> None:
        text = "search is(certificate) | sort name desc | head 2 | list name, profile as made-as, nothing"
        wanted = ["name=web-2, made-as=component, nothing=null", "name=web-1, made-as=component, nothing=null"]
        self.assertEqual(self.items(text), wanted)
        self.assertEqual(self.items("help | head 1 | list"), self.items("help | head 1"))
        self.assertEqual(self.items("ca show | list serial"), ["serial=1234567890abcdef1234567890abcdef12345678"])

    def test_format(self) -> None:
        text = "search is(certificate) | sort name | format {{{name}}} ends {not_after}, {nothing} {proven}"
        self.assertEqual(self.items(f"{text} | head 1"), ["{db} ends 2031-05-05T12:00:00Z, null false"])
        self.assertEqual(self.items("search name = db | format '{name}; {kind}'"), ["db; certificate"])
        for bad in ("{", "}", "{name", "{name.real}", "{0}", "{name!r}", "{name:>9}", "{}"):
            self.assertRaises(ValueError, template, bad)
        self.assertEqual(template("a}}b")({}), "a}b")

    def test_sort_head_and_tail(self) -> None:
        for text, names in {
            "sort name | tail 2": ["web-1", "web-2"],
            "sort not_after desc | head 1": ["web-2"],
            "head 2 | sort name desc | tail 1": ["web-1"],
            "sort name | head 2 | list name": ["name=db", "name=web-1"],
        }.items():
            found = self.items(f"search is(certificate) | {text}")
            self.assertEqual([item if isinstance(item, str) else item["name"] for item in found], names)

    def test_other_items_are_sorted_too(self) -> None:
        self.assertEqual(len(self.items("ca show | sort serial")), 1)

    def test_what_cannot_be(self) -> None:
        self.fails("help | sort name", "there are only lines to sort; put it before list or format")
        message = "there are only lines to count by a field; put it before list or format"
        self.fails("search all | list | count name", message)
        self.fails("search all | tail 20000", "tail gives 10000 at most; sort the other way round, and use head")
        self.is_refused(
            Malformed, ["search all | sort"], "sort needs FIELDS: fields, each perhaps with desc, commas between"
        )


class WritingTests(CommandCase):
    def test_values(self) -> None:
        for value, text in {
            None: "null",
            True: "true",
            7: "7",
            NOON: "2031-05-06T12:00:00Z",
            timedelta(days=30): "30d",
            timedelta(days=2, hours=3, minutes=4): "2d3h",
            timedelta(days=2, minutes=4): "2d",
            timedelta(seconds=61): "1m1s",
            timedelta(): "0s",
            timedelta(hours=-12): "-12h",
        }.items():
            self.assertEqual(written(value), text)
