"""The lists beside the keys."""

from __future__ import annotations

from pkid.auth.pins import PlainPin
from pkid.broker.changes import AssignRole, Authorize, PrivateTopic, Unauthorize, WithdrawRole
from pkid.broker.identity import Identity
from pkid.broker.rights import Rights
from pkid.broker.rules import Verb
from pkid.broker.topic import Pattern
from pkid.errors import Unusable
from pkid.keydir.lists import Lists, changes_between, read_admins, read_tenants, read_topics
from tests.support import Case

T, U = Pattern("t"), Pattern("u/*")


class ReadingTests(Case):
    def test_what_the_original_writes_is_read(self) -> None:
        self.assertEqual(read_admins(b'["superuser", "foobar"]'), {"superuser", "foobar"})
        self.assertEqual(
            read_tenants(b'{".": "11223344", "org": "55667788"}'),
            {".": PlainPin("11223344"), "org": PlainPin("55667788")},
        )
        self.assertEqual(read_topics(b'{"t": ["a", "b"], "u/*": []}'), {T: {"a", "b"}, U: set()})

    def test_anything_else_is_refused_as_a_whole(self) -> None:
        for content in (b"", b"{", b"[" * 100_000, b"\xff", b"null", b"{}", b'"a"', b"[1]", b'["../a"]', b'["a", ""]'):
            self.assertRaises(Unusable, read_admins, content)
        for content in (b"[]", b'{"a/b": "1"}', b'{"org": 11223344}', b'{"org": ""}', b'{"": "x"}'):
            self.assertRaises(Unusable, read_tenants, content)
        for content in (b"[]", b'{"t": "a"}', b'{"t x": ["a"]}', b'{"t": ["a b"]}', b'{"a*": []}', b'{"t": null}'):
            self.assertRaises(Unusable, read_topics, content)

    def test_no_pin_is_shown(self) -> None:
        error = self.assertRaises(Unusable, read_tenants, b'{"org": 11223344}')
        self.assertNotIn("11223344", str(error) + repr(Lists(tenants=read_tenants(b'{"org": "11223344"}'))))


class ChangeTests(Case):
    def test_from_nothing(self) -> None:
        now = Lists(frozenset({"root"}), {}, {T: frozenset({"a"}), U: frozenset()})
        self.assertEqual(
            list(changes_between(Lists(), now)),
            [PrivateTopic(T), Authorize(T, "a"), PrivateTopic(U), AssignRole("root", "admin")],
        )
        self.assertEqual(list(changes_between(now, now)), [])

    def test_who_is_not_listed_any_more_loses_what_the_list_gave(self) -> None:
        before = Lists(frozenset({"root", "boss"}), {}, {T: frozenset({"a", "b"})})
        now = Lists(frozenset({"boss"}), {}, {T: frozenset({"b", "c"})})
        self.assertEqual(
            list(changes_between(before, now)), [WithdrawRole("root", "admin"), Unauthorize(T, "a"), Authorize(T, "c")]
        )

    def test_a_topic_that_is_not_listed_any_more_stays_private(self) -> None:
        rights = Rights()
        listed = Lists(topics={T: frozenset({"a"})})
        for before, now, allowed in ((Lists(), listed, True), (listed, Lists(), False)):
            for change in changes_between(before, now):
                change.apply(rights)
            self.assertEqual(rights.allows(Identity("a", True), Verb.PUBLISH, T.segments), allowed)
            self.assertTrue(rights.is_private(T.segments))
