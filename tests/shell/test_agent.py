"""``pkid agent status``: what agents say, for people and for scripts."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from pkid.shell.agent import main
from pkid.shell.exits import Exit, ShellError
from tests.support import Case

WELL = {
    "name": "web", "names": ["web.example", "10.0.0.1"], "directory": "/out", "state": "valid", "serial": "abc",
    "not_after": "2030-01-31T00:00:00Z", "next_renewal": "2030-01-30T00:00:00Z", "error": None, "hook": "done",
    "hook_error": None, "ok": True,
}  # fmt: skip
ILL = WELL | {"name": "db", "ok": False, "error": "the core\x1b[2J is away", "hook": "failed", "hook_error": "status 1"}


class AgentCase(Case):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory(prefix="pkid-")))
        self.runtime = self.folder / "run"
        self.environ = {"HOME": str(self.folder)}

    @contextmanager
    def agent(self, *says: dict[str, Any] | bytes, path: Path | None = None) -> Iterator[Path]:
        """Let an agent say something once."""
        path = path or self.folder / "status.sock"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in says)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()

            def answer() -> None:
                with server.accept()[0] as connection:
                    connection.sendall(said)

            thread = Thread(target=answer)
            thread.start()
            yield path
            thread.join(30)

    def status(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code and what is written."""
        with contextlib.redirect_stdout(io.StringIO()) as written:
            code = main(["status", *arguments], self.environ, self.runtime)
        return code, written.getvalue()

    def refused(self, *arguments: str) -> ShellError:
        with self.assertRaises(ShellError) as caught:
            self.status(*arguments)
        error: ShellError = caught.exception
        return error


class ReportTests(AgentCase):
    def test_all_is_well(self) -> None:
        with self.agent(WELL) as path:
            code, written = self.status("--socket", str(path))
        self.assertEqual(code, Exit.DONE)
        self.assertEqual(
            written,
            "web: valid, ok\n"
            "  names         web.example 10.0.0.1\n"
            "  files         /out\n"
            "  serial        abc\n"
            "  valid until   2030-01-31T00:00:00Z\n"
            "  renewed from  2030-01-30T00:00:00Z\n"
            "  command       done\n",
        )

    def test_one_that_is_not_well_is_seen_by_scripts_and_does_nothing_to_the_terminal(self) -> None:
        with self.agent(WELL, ILL) as path:
            code, written = self.status("--socket", str(path))
        self.assertEqual(code, Exit.FAILED)
        self.assertIn("db: valid, PROBLEM\n", written)
        self.assertIn("  it failed     status 1\n", written)
        self.assertNotIn("\x1b", written)

    def test_as_json(self) -> None:
        with self.agent(WELL, ILL) as path:
            code, written = self.status("--json", "--socket", str(path))
        self.assertEqual((code, [json.loads(line) for line in written.splitlines()]), (Exit.FAILED, [WELL, ILL]))

    def test_an_agent_without_certificates_is_not_well(self) -> None:
        with self.agent() as path:
            self.assertEqual(self.status("--socket", str(path)), (Exit.FAILED, ""))


class FindTests(AgentCase):
    def test_all_agents_of_the_machine_are_asked(self) -> None:
        own = self.folder / ".local" / "state" / "pkid-agent" / "status.sock"
        with (
            self.agent(WELL, path=self.runtime / "a" / "status.sock"),
            self.agent(ILL, path=self.runtime / "b" / "status.sock"),
            self.agent(WELL | {"name": "mine"}, path=own),
        ):
            written = self.status("--json")[1]
        self.assertEqual([json.loads(line)["name"] for line in written.splitlines()], ["web", "db", "mine"])

    def test_the_one_that_the_environment_names(self) -> None:
        with self.agent(WELL) as path:
            self.environ["PKID_AGENT_SOCKET"] = str(path)
            self.assertEqual(self.status()[0], Exit.DONE)

    def test_where_none_runs(self) -> None:
        self.assertEqual(self.refused().exit, Exit.UNREACHABLE)
        error = self.refused("--socket", "/no/such.sock")
        self.assertEqual((error.exit, str(error)[:31]), (Exit.UNREACHABLE, "/no/such.sock: no agent answers"))

    def test_what_is_no_agent(self) -> None:
        for said in (b"hello\n", b"[]\n", b"\xff\n"):
            with self.agent(said) as path:
                error = self.refused("--socket", str(path))
            self.assertEqual((error.exit, "is no agent" in str(error)), (Exit.UNREACHABLE, True))
            path.unlink()

    def test_other_words_are_wrong_usage(self) -> None:
        for arguments in (["stop"], [], ["status", "more"]):
            with self.assertRaises(ShellError) as caught:
                main(arguments, self.environ, self.runtime)
            self.assertEqual(caught.exception.exit, Exit.USAGE)
