"""The pages of the command line: the bytes that the originals' shells read."""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.web.http_headers import Headers
from twisted.web.server import Request

import pkid
from pkid.auth.credentials import IMember, Member, Right
from pkid.auth.keyring import Keyring
from pkid.ca.policy import ANY_NAME
from pkid.commands.command import Call, Command, File, Output
from pkid.commands.help import with_help
from pkid.commands.interpreter import Interpreter
from pkid.commands.language import LONGEST_TEXT
from pkid.web.cli import ExecutePage
from pkid.web.guard import Guard
from pkid.web.rendering import Routes
from tests.support import Case
from tests.web.memory import Door, Visitor, bearer, request

TEXT = {"Content-Type": "text/plain"}
PLAIN = {**TEXT, "Accept": "text/plain"}
CREATE = "certificate create --key-type p256 --common-name"
FILE = re.compile(
    rb"--cli-part\r\n"
    rb"Content-Type: application/octet-stream\r\n"
    rb'Content-Disposition: attachment; filename="([^"]*)"\r\n'
    rb"Content-Length: (\d+)\r\n"
    rb"\r\n"
    rb"(-----BEGIN [^\r]*-----\n)\r\n"
)


class Everybody(Guard):
    """Lets everybody in."""

    def __init__(self) -> None:
        pass

    def admit(self, request: Request) -> Deferred[IMember]:
        return succeed(Member("test:everybody", frozenset(Right), ANY_NAME))


class CommandLineCase(Case):
    def setUp(self) -> None:
        self.door = Door()
        self.client: Any = Visitor(self.door.routes)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, **claims: object
    ) -> Any:
        """Ask for a page with a good token, and return the answer with its ``body`` and ``content_type`` read."""
        raw = Headers({name: [value] for name, value in {**TEXT, **(headers or {})}.items() if value})
        raw.setRawHeaders("Authorization", [bearer(**claims).decode()])
        answer = self.successResultOf(self.client.request(method, f"http://core{path}", data=body, headers=raw))
        answer.body = self.successResultOf(answer.content())
        (answer.content_type,) = answer.headers.getRawHeaders("Content-Type")
        return answer

    def execute(self, text: str, headers: dict[str, str] | None = None, **claims: object) -> Any:
        return self.ask("POST", "/cli/execute", text.encode(), headers, **claims)

    def know_only(self, name: str, output: Output) -> None:
        """Ask, from now on, a core with a command of this name that gives this."""

        async def run(call: Call) -> Output:
            return output

        command = Command(name=name, info="give what a test wants", right=Right.READ, run=run)
        page = ExecutePage(Everybody(), Interpreter(with_help([command])))
        self.client = Visitor(Routes({"/cli/execute": page}, page, Keyring((), lambda: 0.0)))

    def is_error(self, answer: Any, status: int, body: str) -> None:
        self.assertEqual((answer.code, answer.body.decode()), (status, body))
        self.assertEqual(answer.content_type, "text/plain; charset=utf-8")


class FormTests(CommandLineCase):
    """Items in the form that is accepted."""

    def test_each_form(self) -> None:
        matched, unmatched = "total matched: 2", "total unmatched: 0"
        forms = {
            "text/plain": ("text/plain", f"{matched}\n{unmatched}\n"),
            "application/json": ("application/json", f'[\n"{matched}",\n"{unmatched}"\n]\n'),
            "application/x-ndjson": ("application/x-ndjson", f'"{matched}"\n"{unmatched}"\n'),
            "application/ndjson": ("application/x-ndjson", f'"{matched}"\n"{unmatched}"\n'),
            "application/yaml": ("text/yaml", f'---\n"{matched}"\n---\n"{unmatched}"\n'),
            "text/yaml": ("text/yaml", f'---\n"{matched}"\n---\n"{unmatched}"\n'),
        }
        for accept, (content_type, body) in forms.items():
            answer = self.execute("help | head 2 | count", {"Accept": accept})
            self.assertEqual((answer.code, answer.content_type, answer.body.decode()), (200, content_type, body))
            self.assertEqual(answer.headers.getRawHeaders("Result-Count"), ["2"])

    def test_json_unless_another_form_is_named_exactly(self) -> None:
        for accept in ("", "*/*", "text/plain, */*", "TEXT/PLAIN", "text/html"):
            self.assertEqual(self.execute("help | count", {"Accept": accept}).content_type, "application/json", accept)

    def test_named_values(self) -> None:
        plain = (
            f"name: pkid\nversion: {pkid.__version__}\ntrust_domain: pkid.internal\nledger_rows: 0\nledger_bytes: 0\n"
        )
        self.assertEqual(self.execute("system info", PLAIN).body.decode(), plain)
        lines = self.execute("system info", {"Accept": "application/x-ndjson"})
        self.assertTrue(lines.body.startswith(b'{"name": "pkid", "version": '))
        self.assertEqual((lines.body.count(b"\n"), lines.headers.getRawHeaders("Result-Count")), (1, ["1"]))

    def test_nothing(self) -> None:
        self.know_only("nothing", Output())
        for accept, body in (("text/plain", b""), ("application/json", b"[\n]\n"), ("application/x-ndjson", b"")):
            answer = self.execute("nothing", {"Accept": accept})
            self.assertEqual((answer.code, answer.body), (200, body), accept)
            self.assertEqual(answer.headers.getRawHeaders("Result-Count"), ["0"])

    def test_several_lines_are_parts(self) -> None:
        answer = self.execute("help | head 2 | count ; system info | head 1 | count", PLAIN)
        self.assertEqual((answer.code, answer.content_type), (200, "multipart/mixed;boundary=cli-part"))
        self.assertIsNone(answer.headers.getRawHeaders("Result-Count"))
        self.assertEqual(
            answer.body,
            b"--cli-part\r\nContent-Type: text/plain\r\n\r\ntotal matched: 2\ntotal unmatched: 0\r\n"
            b"--cli-part\r\nContent-Type: text/plain\r\n\r\ntotal matched: 1\ntotal unmatched: 0\r\n"
            b"--cli-part--\r\n",
        )

    def test_the_query_and_the_shells_headers_change_nothing(self) -> None:
        path = "/cli/execute?session_id=abc&graph=fix&section=reported"
        headers = {"Fix-Shell-Columns": "80", "Fix-Shell-Terminal": "true", "Accept": "text/plain"}
        self.assertEqual(self.ask("POST", path, b"a=1 help | count", headers).code, 200)


class FileTests(CommandLineCase):
    """Files, whatever is accepted."""

    def test_the_bytes(self) -> None:
        for accept in ("text/plain", "application/json"):
            answer = self.execute(f"{CREATE} arangodb.local", {"Accept": accept})
            self.assertEqual((answer.code, answer.content_type), (200, "multipart/mixed;boundary=cli-part"))
            self.assertIsNone(answer.headers.getRawHeaders("Result-Count"))
            found = FILE.findall(answer.body)
            self.assertEqual([name for name, _, _ in found], [b"arangodb.local.key", b"arangodb.local.crt"])
            self.assertEqual([int(length) for _, length, _ in found], [len(content) for _, _, content in found])
            self.assertEqual(FILE.sub(b"", answer.body), b"--cli-part--\r\n")

    def test_names_are_encoded(self) -> None:
        names = {"'*.a.b'": b"%2A.a.b", "'\"a;b\" c'": b"%22a%3Bb%22%20c", "\u00e9%": b"%C3%A9%25", "a+b~": b"a%2Bb~"}
        for name, encoded in names.items():
            (key, _, _), _ = FILE.findall(self.execute(f"{CREATE} {name} --dns-names a.example").body)
            self.assertEqual(key, encoded + b".key")

    def test_headers_that_are_no_text(self) -> None:
        self.client = Visitor(self.door.routes)
        for headers, status in (({b"Accept": [b"\xff"]}, 200), ({b"Content-Type": [b"application/\xff"]}, 400)):
            raw = Headers({b"Content-Type": [b"text/plain"], b"Authorization": [bearer()], **headers})
            answer = self.successResultOf(
                self.client.request("POST", "http://core/cli/execute", data=b"welcome", headers=raw)
            )
            self.assertEqual(answer.code, status)

    def test_no_name_is_a_path_or_another_header(self) -> None:
        self.know_only("bad", Output(files=(File('../a/b"\r\nfile-path: /etc/passwd', b"-----BEGIN -----\n"),)))
        ((name, _, _),) = FILE.findall(self.execute("bad").body)
        self.assertEqual(name, b"..%2Fa%2Fb%22%0D%0Afile-path%3A%20%2Fetc%2Fpasswd")

    def test_in_the_order_of_the_lines(self) -> None:
        body = self.execute(f"help | count; {CREATE} a.example --pem; welcome; {CREATE} b.example --pem", PLAIN).body
        types = re.findall(rb"Content-Type: (.*)\r\n", body)
        self.assertEqual(types, [b"text/plain", b"application/octet-stream"] * 2)
        self.assertEqual([name for name, _, _ in FILE.findall(body)], [b"a.example.pem", b"b.example.pem"])

    def test_nothing_leaves_before_the_commit(self) -> None:
        self.door.store.hold()
        connection = self.door.connect()
        connection.send(
            request(
                "POST", "/cli/execute", f"{CREATE} a.example".encode(),
                Content_Type=b"text/plain", Authorization=bearer(),
            )
        )  # fmt: skip
        self.assertEqual(connection.received, b"")
        self.door.store.release()
        self.assertEqual(connection.statuses, [200])

    def test_a_failed_commit(self) -> None:
        self.door.store.fail_next()
        answer = self.execute(f"{CREATE} a.example")
        self.is_error(answer, 503, "Error: store\nMessage: the ledger cannot be written; try again")
        self.assertEqual(self.door.store.entries, [])


class RequestTests(CommandLineCase):
    """How a command comes."""

    def test_any_text(self) -> None:
        for kind in ("text/plain", "TEXT/Plain; charset=latin-1", "text/html", "text"):
            self.assertEqual(self.execute("help", {"Content-Type": kind}).code, 200, kind)

    def test_other_types(self) -> None:
        for kind in ("application/x-www-form-urlencoded", "application/json", "xtext/plain"):
            message = f"Error: content-type\nMessage: Not able to handle: {kind}; send the command as text/plain"
            self.is_error(self.execute("help", {"Content-Type": kind}), 400, message)
        self.assertEqual(self.execute("help", {"Content-Type": ""}).code, 400)

    def test_multipart(self) -> None:
        body = b"--u\r\nContent-Disposition: form-data; name=x\r\n\r\nfile\r\n--u--\r\n"
        for name in ("Fix-Shell-Command", "Resoto-Shell-Command"):
            headers = {"Content-Type": "multipart/form-data; boundary=u", name: "help | count"}
            answer = self.ask("POST", "/cli/execute", body, headers)
            self.assertEqual((answer.code, json.loads(answer.body)[1]), (200, "total unmatched: 0"))
            self.assertEqual(self.ask("POST", "/cli/execute", body[:-9], headers).code, 400)
            del headers[name]
            answer = self.ask("POST", "/cli/execute", body, headers)
            self.assertEqual(answer.code, 400)
            self.assertIn(b"needs its command in the header", answer.body)

    def test_errors_of_the_language(self) -> None:
        errors = {
            "": "No command could be parsed!",
            "foo": "Command >foo< is not known. Typo?",
            "help ;": "a command is missing at character 7",
            f"{CREATE} a --days-valid x": f"certificate can not parse arg {CREATE.removeprefix('certificate ')} a"
            " --days-valid x. Reason: Could not parse arguments: argument --days-valid: invalid int value: 'x'",
            "a" * (LONGEST_TEXT + 1): "the command is longer than 32768 bytes",
        }
        for text, message in errors.items():
            self.is_error(self.execute(text), 400, f"Error: CLIParseError\nMessage: {message}")

    def test_bytes_that_are_no_text(self) -> None:
        answer = self.ask("POST", "/cli/execute", b"help \xff")
        self.is_error(answer, 400, "Error: CLIParseError\nMessage: the command is not UTF-8 at byte 6")

    def test_what_the_rules_refuse(self) -> None:
        answer = self.execute(f"{CREATE} 'no host'")
        self.assertEqual((answer.code, answer.body.split(b"\n")[0]), (403, b"Error: no-name"))

    def test_the_limit_of_the_body(self) -> None:
        for path, limit in (("/cli/execute", 128 * 1024), ("/cli/evaluate", 128 * 1024), ("/cli/info", 4096)):
            self.assertEqual(self.door.site.body_limit(path.encode() + b"?session_id=x"), limit)


class CallerTests(CommandLineCase):
    """Who may do what."""

    def test_strangers(self) -> None:
        for method, path in (
            ("POST", "/cli/execute"),
            ("POST", "/cli/evaluate"),
            ("GET", "/cli/info"),
            ("GET", "/model"),
        ):
            answer = self.successResultOf(self.client.request(method, f"http://core{path}", data=b"help"))
            self.assertEqual(answer.code, 401, path)
            self.assertEqual(self.successResultOf(answer.content()), b"401: Unauthorized")

    def test_readers(self) -> None:
        self.assertEqual(self.execute("help certificate; ca show", email="a@b", roles="readonly").code, 200)
        missing = "Not allowed to perform this operation. Missing permission: admin"
        answer = self.execute(f"help; {CREATE} a.example", email="a@b", roles="readonly")
        self.is_error(answer, 403, missing)
        self.assertEqual(self.door.store.entries, [])

    def test_other_methods(self) -> None:
        for path, allowed in (("/cli/execute", "POST"), ("/cli/evaluate", "POST"), ("/cli/info", "GET,HEAD")):
            answer = self.ask("PUT", path)
            self.is_error(answer, 405, "405: Method Not Allowed")
            self.assertEqual(answer.headers.getRawHeaders("Allow"), [allowed])


class NeighbourTests(CommandLineCase):
    def evaluate(self, text: str) -> Any:
        return self.ask("POST", "/cli/evaluate", text.encode())

    def test_evaluation_runs_nothing(self) -> None:
        answer = self.evaluate(f"a=1 {CREATE} 'x y' | count; help")
        self.assertEqual((answer.code, answer.content_type), (200, "application/json; charset=utf-8"))
        written = f"{CREATE} 'x y'".removeprefix("certificate ")
        self.assertEqual(
            json.loads(answer.body),
            [
                {
                    "parsed": [{"args": written, "cmd": "certificate"}, {"args": "", "cmd": "count"}],
                    "execute": [{"cmd": "certificate", "arg": written}, {"cmd": "count", "arg": None}],
                    "env": {"a": "1"},
                },
                {"parsed": [{"args": "", "cmd": "help"}], "execute": [{"cmd": "help", "arg": None}], "env": {}},
            ],
        )
        self.assertEqual(self.door.store.entries, [])

    def test_evaluation_of_what_is_no_command(self) -> None:
        self.is_error(self.evaluate("foo"), 400, "Error: CLIParseError\nMessage: Command >foo< is not known. Typo?")

    def test_info(self) -> None:
        answer = self.ask("GET", "/cli/info")
        self.assertEqual((answer.code, answer.content_type), (200, "application/json; charset=utf-8"))
        info = json.loads(answer.body)
        self.assertEqual(set(info), {"commands", "replacements", "alias_names", "alias_templates", "infra_app_aliases"})
        for command in info["commands"]:
            self.assertEqual(set(command), {"name", "info", "help", "args", "source"})

    def test_model(self) -> None:
        answer = self.ask("GET", "/model")
        self.assertEqual(
            (answer.code, answer.content_type, answer.body), (200, "application/json; charset=utf-8", b"[]")
        )
