"""The help, for people and for the shells' completion."""

from __future__ import annotations

from pkid.auth.credentials import Right
from pkid.commands.command import Argument, Call, Command, Output
from pkid.commands.help import describe, with_help
from pkid.commands.interpreter import Interpreter
from pkid.errors import Malformed
from tests.commands.case import CommandCase

FILTERS = ("count", "format", "head", "list", "sort", "tail")


class HelpTests(CommandCase):
    def test_every_command_is_listed_with_its_line(self) -> None:
        listed = self.items("help")
        for command in self.interpreter.catalogue:
            self.assertTrue(any(str(line).startswith(f"{command.name} ") for line in listed), command.name)
            self.assertTrue(any(str(line).endswith(command.info) for line in listed), command.name)

    def test_about_one_command_or_a_group(self) -> None:
        about = self.items("help certificate create")
        self.assertEqual(about[0], "certificate create: make a TLS key and a certificate for it")
        self.assertTrue(str(about[2]).startswith("  certificate create --common-name NAME [--dns-names NAME ...] ["))
        self.assertTrue(str(about[2]).endswith("[--pem] [--key-type TYPE]"))
        for word in ("Parameters", "Examples", "It needs the permission admin."):
            self.assertIn(word, about)
        self.assertEqual(self.items("help certificate")[: len(about)], about)
        self.assertEqual(self.items("help certificate"), self.items("certificate"))
        self.assertIn("  ... | head [LINES]", self.items("help head"))

    def test_a_group_of_several(self) -> None:
        async def run(call: Call) -> Output:
            return Output()

        members = [Command(name=name, info="x", right=Right.READ, run=run) for name in ("a b", "a c")]
        self.interpreter = Interpreter(with_help(members))
        about = ["a b: x", "", "  a b", "", "It needs the permission read."]
        self.assertEqual(self.items("help a"), [*about, "", *(line.replace("a b", "a c") for line in about)])
        self.assertEqual(self.items("a"), self.items("help a"))
        _, group = describe(self.interpreter.catalogue)
        self.assertEqual((group["info"], group["args"]), ("a: 2 commands", {"b": [], "c": []}))

    def test_names_of_three_words_and_other_names(self) -> None:
        async def run(call: Call) -> Output:
            return Output((str(call.arguments.what),))

        what = Argument(name="what", info="anything", required=True)
        commands = [
            Command(name="a b c", info="abc", right=Right.READ, run=run, arguments=(what,), also="abc"),
            Command(name="a b d", info="abd", right=Right.READ, run=run, arguments=(what,)),
        ]
        self.interpreter = Interpreter(with_help(commands))
        self.assertEqual(self.items("a b c x"), self.items("abc x"))
        for text in ("a b", "a b --help", "help a b", "a"):
            lines = self.items(text)
            self.assertIn("a b c: abc", lines, text)
            self.assertIn("a b d: abd", lines, text)
        self.assertIn("It is also called abc.", self.items("help a b c"))
        _, group, other = describe(self.interpreter.catalogue)
        self.assertEqual(list(group["args"]), ["b c", "b d"])  # type: ignore[call-overload]
        self.assertEqual((other["name"], other["info"]), ("abc", "abc"))
        self.is_refused(Malformed, ["a b e"], "Command >a b< is not known. Typo? Did you mean a b d?")

    def test_other_ways_to_ask(self) -> None:
        about = self.items("help certificate create")
        for text in ("certificate create", "certificate create --help", "certificate create -h"):
            self.assertEqual(self.items(text), about, text)
        self.assertEqual(self.items("help --help"), self.items("help help"))

    def test_about_nothing(self) -> None:
        for text, name, near in (
            ("help nonsense", "nonsense", ""),
            ("help certificate lost", "certificate lost", " Did you mean certificate list?"),
            ("help ''", "", ""),
        ):
            failure = self.failureResultOf(self.start(text), Malformed)
            self.assertEqual(str(failure.value), f"Command >{name}< is not known. Typo?{near}")

    def test_for_the_completion(self) -> None:
        commands = {str(each["name"]): each for each in describe(self.interpreter.catalogue)}
        self.assertEqual(list(commands), ["help", "certificate", "ca", "search", "system", "welcome", *FILTERS])
        arguments = commands["certificate"]["args"]
        assert isinstance(arguments, dict)
        by_name = {each["name"]: each for each in arguments["create"]}
        self.assertEqual(
            by_name["--common-name"],
            {
                "name": "--common-name",
                "expects_value": True,
                "possible_values": [],
                "can_occur_multiple_times": False,
                "value_hint": None,
                "help_text": "the name that the certificate is for; the files are called after it",
                "option_group": None,
            },
        )
        self.assertFalse(by_name["--pem"]["expects_value"])
        self.assertIn("p256", by_name["--key-type"]["possible_values"])
        only = commands["help"]["args"]
        assert isinstance(only, list)
        (argument,) = only
        self.assertEqual((argument["name"], argument["value_hint"]), (None, "command"))
        self.assertEqual([name for name, each in commands.items() if not each["source"]], list(FILTERS))
