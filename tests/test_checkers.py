"""The checkers that ``--auth`` names."""

from __future__ import annotations

from pathlib import Path

from twisted.cred import strcred
from twisted.cred.checkers import FilePasswordDB
from twisted.cred.strcred import ICheckerFactory, findCheckerFactories
from twisted.plugin import IPlugin
from zope.interface.verify import verifyObject

from pkid.auth.logins import SCHEMES
from pkid.auth.unbound import IUnboundChecker, KeyDirectory
from pkid.checkers import OWN_KINDS, find_checkers
from pkid.errors import StateError
from pkid.settings.auth import DEFAULTS, Chosen
from tests.support import Case


class FactoryTests(Case):
    def factories(self) -> dict[str, ICheckerFactory]:
        return {factory.authType: factory for factory in findCheckerFactories()}

    def test_they_are_plug_ins_of_twisted(self) -> None:
        for kind in OWN_KINDS:
            factory = self.factories()[kind]
            verifyObject(ICheckerFactory, factory)
            verifyObject(IPlugin, factory)
            self.assertTrue(set(factory.credentialInterfaces) <= set(SCHEMES))
            self.assertTrue(factory.authHelp.strip() and factory.argStringFormat)

    def test_they_make_checkers_that_are_to_be_bound(self) -> None:
        for kind, checker in find_checkers([*DEFAULTS, Chosen("keydir", "/keys"), Chosen("keydir")]):
            verifyObject(IUnboundChecker, checker)
            self.assertEqual(isinstance(checker, KeyDirectory), kind == "keydir")


class FindingTests(Case):
    def refused(self, kind: str, argument: str = "") -> str:
        return str(self.assertRaises(StateError, find_checkers, [Chosen(kind, argument)]))

    def test_those_of_twisted_will_do_if_they_take_passwords(self) -> None:
        path = Path(self.mktemp())
        path.write_text("alice:correct horse\n")
        ((kind, checker),) = find_checkers([Chosen("file", str(path))])
        self.assertEqual(kind, "file")
        self.assertIsInstance(checker, FilePasswordDB)

    def test_no_other_plug_in_takes_the_place_of_pkids_own(self) -> None:
        ((_, own),) = find_checkers([Chosen("psk")])
        self.patch(strcred, "findCheckerFactory", lambda kind: self.fail("it was searched for"))
        ((_, again),) = find_checkers([Chosen("psk")])
        self.assertIs(type(again), type(own))

    def test_what_cannot_be_used_is_refused_in_one_line_without_the_argument(self) -> None:
        self.assertIn("--auth nobody is of a kind that nobody knows", self.refused("nobody"))
        self.assertIn("takes nothing by which components prove", self.refused("anonymous"))
        for kind, argument in (("psk", "hush hush"), ("memory", "alice:hush hush:bob"), ("file", "")):
            said = self.refused(kind, argument)
            self.assertIn("does not take its argument; twistd pkid --help-auth-type", said)
            self.assertNotIn("hush", said)
        self.assertNotIn("hush", repr(Chosen("memory", "alice:hush hush")))
