"""Doors and clocks, as a client finds them."""

from __future__ import annotations

import socket
from email.utils import formatdate
from http.client import HTTPMessage
from tempfile import TemporaryDirectory

from pkid.answers import Answer
from pkid.exchange import unverified_context
from pkid.origin import Origin
from pkid.shell.doctor.finding import Severity
from pkid.shell.doctor.network import Door, ask_core, check_clock, check_door, check_readiness, doors
from tests.certificates import NOON
from tests.scripted import http, scripted
from tests.support import Case
from tests.test_exchange import LONG

NOW = NOON.timestamp()


def answer(status: int = 200, body: bytes = b"ok", date: float | None = NOW) -> Answer:
    headers = HTTPMessage()
    if date is not None:
        headers["Date"] = formatdate(date, usegmt=True)
    return Answer(status, headers, body)


class DoorTests(Case):
    def test_the_cores_list_is_read(self) -> None:
        lines = "https :: 8900\nhttps 127.0.0.1 1\nline /run/a b\nrembus 192.0.2.1 8338\njunk\nhttps x\n\nhttps a b c\n"
        self.assertEqual(
            list(doors(lines)),
            [
                Door("https", ("::", 8900)),
                Door("https", ("127.0.0.1", 1)),
                Door("line", "/run/a b"),
                Door("rembus", ("192.0.2.1", 8338)),
            ],
        )

    def test_where_a_client_finds_a_door(self) -> None:
        for address, url in (
            (("::", 8900), "https://localhost:8900"),
            (("0.0.0.0", 8900), "https://localhost:8900"),
            (("127.0.0.1", 1), "https://localhost:1"),
            (("2001:db8::1", 1), "https://[2001:db8::1]:1"),
        ):
            self.assertEqual(str(Door("https", address).origin), url)
        self.assertIsNone(Door("https", "/run/x").origin)
        self.assertIsNone(Door("line", ("::", 1)).origin)

    def test_a_door_answers_or_does_not(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            door = Door("line", ("0.0.0.0", listener.getsockname()[1]))
            self.assertIs(check_door(door, LONG).severity, Severity.OK)
        finding = check_door(door, LONG)
        self.assertIs(finding.severity, Severity.PROBLEM)
        self.assertIn("Connection refused", finding.what)

    def test_a_socket_in_the_file_system_does_too(self) -> None:
        with TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
            door = Door("line", f"{directory}/socket")
            listener.bind(f"{directory}/socket")
            listener.listen()
            self.assertIs(check_door(door, LONG).severity, Severity.OK)
        self.assertIs(check_door(door, LONG).severity, Severity.PROBLEM)


class CoreTests(Case):
    def test_a_core_that_answers_is_asked_for_more(self) -> None:
        with scripted(http(b"ok")) as server:
            got, finding = ask_core(Origin.of(server.url), unverified_context(), LONG)
        self.assertEqual((got and got.body, finding.severity), (b"ok", Severity.OK))

    def test_one_that_does_not_is_a_problem_with_a_remedy(self) -> None:
        got, finding = ask_core(Origin.of("http://127.0.0.1:1"), unverified_context(), LONG)
        self.assertEqual((got, finding.severity), (None, Severity.PROBLEM))
        self.assertEqual(finding.remedy, "see that the core is running there")

    def test_readiness_is_the_cores_own_word(self) -> None:
        for got, severity in (
            (answer(), Severity.OK),
            (answer(body=b"ok\n"), Severity.OK),
            (answer(body=b"ok\nno authentication"), Severity.WARNING),
            (answer(body=b"fine"), Severity.WARNING),
            (answer(body=b""), Severity.WARNING),
            (answer(503, b"Error: store\nMessage: the disk is full"), Severity.PROBLEM),
            (answer(404), Severity.PROBLEM),
        ):
            self.assertIs(check_readiness(got).severity, severity, got)

    def test_clocks_are_compared(self) -> None:
        for offset, severity in ((0, "ok"), (5, "ok"), (-5, "ok"), (6, "warning"), (-60, "warning"), (61, "problem")):
            finding = check_clock(answer(date=NOW + offset), NOW)
            self.assertEqual(finding.severity.value, severity, offset)
        self.assertIn("61 seconds behind", check_clock(answer(date=NOW - 61), NOW).what)
        self.assertIs(check_clock(answer(date=None), NOW).severity, Severity.WARNING)
