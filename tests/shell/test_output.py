"""What an answer becomes: texts here, files there, errors for people."""

from __future__ import annotations

import io
from email.message import Message
from pathlib import Path

from pkid.answers import BadAnswer, Busy, Rejected
from pkid.exchange import Request, opened, unverified_context
from pkid.origin import Origin
from pkid.shell.downloads import Downloads
from pkid.shell.exits import ShellError
from pkid.shell.output import Pipe, checked, write_answer
from tests.scripted import Step, http, scripted
from tests.shell.parts import BOUNDARY_TYPE, Part, file, text, write_parts
from tests.shell.test_multipart import reader
from tests.support import Case
from tests.test_exchange import LONG


class AnswerTests(Case):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.out = io.BytesIO()

    def write(self, content_type: str, *pieces: bytes, **headers: str) -> str:
        head: Message[str, str] = Message()
        head["Content-Type"] = content_type
        for name, value in headers.items():
            head[name.replace("_", "-")] = value
        write_answer(head, reader(pieces), Pipe(self.out), Downloads(self.directory), "---")
        return self.out.getvalue().decode()

    def parts(self, *parts: Part) -> str:
        return self.write(BOUNDARY_TYPE, write_parts(*parts))

    def stored(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}

    def test_a_text_is_copied(self) -> None:
        self.assertEqual(self.write("text/plain", b"a\x1b", b"b\n"), "a\x1bb\n")

    def test_the_last_line_is_ended(self) -> None:
        self.assertEqual(self.write("application/json", b"[]"), "[]\n")

    def test_nothing_stays_nothing(self) -> None:
        self.assertEqual(self.write("text/plain"), "")

    def test_texts_are_separated(self) -> None:
        self.assertEqual(self.parts(text(b"a"), text(b"b")), "a\n---\nb\n")

    def test_files_are_stored_and_named_in_their_order(self) -> None:
        said = self.parts(file("a.key"), file("a.crt"), text(b"done"))
        self.assertEqual(
            said.splitlines(),
            [
                f"Received a file a.key, which is stored to ./{self.directory}/a.key",
                f"Received a file a.crt, which is stored to ./{self.directory}/a.crt",
                "---",
                "done",
            ],
        )
        self.assertEqual(self.stored(), {"a.key": b"content", "a.crt": b"content"})

    def test_a_bad_name_keeps_its_neighbours_out_and_those_behind_a_text_are_not_reached(self) -> None:
        with self.assertRaises(ShellError):
            self.parts(file("a.key"), file("..%2Fa"), text(b"t"), file("b"))
        self.assertEqual((self.stored(), self.out.getvalue()), ({}, b""))

    def test_the_path_that_a_server_wishes_for_is_not_looked_at(self) -> None:
        self.parts(file("a", headers={"file-path": str(self.directory / "elsewhere")}))
        self.assertEqual(list(self.stored()), ["a"])

    def test_a_file_alone_is_a_file_too(self) -> None:
        said = self.write("application/octet-stream", b"12", b"3", Content_Disposition='attachment; filename="a"')
        self.assertIn("Received a file a,", said)
        self.assertEqual(self.stored(), {"a": b"123"})

    def test_files_of_an_answer_that_breaks_off_are_not_stored(self) -> None:
        whole = write_parts(file("a"), file("b"))
        with self.assertRaises(BadAnswer):
            self.write(BOUNDARY_TYPE, whole[:-20])
        self.assertEqual(self.stored(), {})


class StatusTests(Case):
    """Every status but 200 is an error, in one line that is safe to show."""

    def refusal(self, step: Step) -> Exception:
        with scripted(step) as server:
            origin = Origin.of(server.url)
            with opened(origin, Request("GET", "/"), unverified_context(), LONG) as response:
                try:
                    checked(response)
                except Exception as error:
                    return error
        raise AssertionError("it was accepted")

    def test_refusals_say_what_the_core_said(self) -> None:
        error = self.refusal(http(b"Error: CLIParseError\nMessage: no \x1b[31msuch\x07 thing", 400))
        self.assertIsInstance(error, Rejected)
        self.assertEqual(str(error), "the core said no (400): no [31msuch thing")

    def test_long_sentences_are_shown_whole(self) -> None:
        sentence = "certificate can not parse arg " + "x" * 800
        self.assertIn(sentence, str(self.refusal(http(f"Error: x\nMessage: {sentence}".encode(), 400))))

    def test_busy_is_no_refusal(self) -> None:
        self.assertIsInstance(self.refusal(http(b"Error: busy\nMessage: later", 503)), Busy)

    def test_redirects_and_floods_are_no_answers(self) -> None:
        self.assertIsInstance(self.refusal(http(b"", 302, ("Location", "https://evil.example/"))), BadAnswer)
        self.assertIsInstance(self.refusal(http(b"x" * 70_000, 400)), BadAnswer)

    def test_an_accepted_answer_is_left_to_be_read(self) -> None:
        with scripted(http(b"content")) as server:
            request = Request("GET", "/")
            with opened(Origin.of(server.url), request, unverified_context(), LONG) as response:
                self.assertEqual(checked(response).read(), b"content")
