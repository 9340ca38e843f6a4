"""`pkid` with a server in the core's place that means harm: nothing is written, shown or done that should not be."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.scripted import Step, http, scripted, silence
from tests.shell.parts import BOUNDARY_TYPE, file, write_parts
from tests.shell.program import run
from tests.support import Case


def files(*names: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Answer with files of these encoded names."""
    parts = write_parts(*(file(name, b"planted", headers) for name in names))
    return http(parts, 200, ("Content-Type", BOUNDARY_TYPE))


class StrangerTests(Case):
    def setUp(self) -> None:
        self.user = Path(self.mktemp()).absolute() / "home" / "user"
        self.user.mkdir(parents=True)

    def meet(self, *answers: Step, arguments: tuple[str, ...] = ("help",)) -> subprocess.CompletedProcess[str]:
        """Run a command with a server that gives these answers."""
        with scripted(*answers) as server:
            ended = run(
                "--core", server.url, "--no-tls", "--psk", "", "--timeout", "5", *arguments, directory=self.user
            )
        self.assertNotIn("Traceback", ended.stderr)
        return ended

    def refused(self, exit: int, said: str, *answers: Step) -> None:
        ended = self.meet(*answers)
        self.assertEqual((ended.returncode, ended.stdout), (exit, ""), ended.stderr)
        self.assertRegex(ended.stderr, rf"\Apkid: [^\n]*{said}[^\n]*\n\Z")
        self.assertTrue(ended.stderr[:-1].isprintable())
        self.assertEqual([path.name for path in self.user.parent.rglob("*")], ["user"])

    def test_names_that_lead_elsewhere_store_nothing(self) -> None:
        for name in (
            "..%2Fplanted", "%2Ftmp%2Fplanted", "../planted", "..", ".profile", "%2Eprofile", "a%00b", "a%0Ab",
            "a%1B%5B2Jb", "-rf", "x" * 300, "a%5Cb", "",
        ):  # fmt: skip
            self.refused(1, "a name that is not plain", files(name))
            self.refused(1, "a name that is not plain", files("good", name))

    def test_a_path_beside_the_name_is_not_looked_at(self) -> None:
        ended = self.meet(files("plain", headers={"file-path": str(self.user.parent / "planted")}))
        self.assertEqual(ended.stdout, "Received a file plain, which is stored to ./plain\n")
        self.assertEqual([path.name for path in self.user.parent.rglob("*")], ["user", "plain"])

    def test_answers_that_break_off_store_nothing(self) -> None:
        whole = files("a", "b")
        self.refused(4, "ended its answer too early", whole[:-30])
        short = http(whole.partition(b"\r\n\r\n")[2][:-30], 200, ("Content-Type", BOUNDARY_TYPE))
        self.refused(4, "ends in the middle", short)

    def test_heads_and_boundaries_have_limits(self) -> None:
        endless = b"--cli-part\r\nX: " + b"a" * 100_000
        self.refused(4, "no head, or a long one", http(endless, 200, ("Content-Type", BOUNDARY_TYPE)))
        self.refused(4, "does not tell where they end", http(b"", 200, ("Content-Type", "multipart/mixed")))
        self.refused(4, "does not answer in HTTP", http(b"", 200, ("X", "a" * 100_000)))

    def test_redirects_are_not_followed(self) -> None:
        self.refused(4, "redirects", http(b"", 307, ("Location", "http://localhost:1/")))

    def test_what_is_no_core_is_told(self) -> None:
        self.refused(4, "does not answer in HTTP", b"220 mail.example ESMTP\r\n\r\n")
        self.refused(4, "cannot be reached", b"")
        self.refused(4, "more than 64 KiB", http(b"x" * 70_000, 400))

    def test_sentences_cannot_control_a_terminal(self) -> None:
        self.refused(1, r"said no \(400\)", http(b"Error: x\nMessage: \x1b]0;t\x07\x1b[2J", 400))

    def test_a_busy_core_is_5_and_is_not_asked_again(self) -> None:
        self.refused(5, "is busy", http(b"Error: busy\nMessage: later", 503, ("Retry-After", "1")))

    def test_silence_ends_in_time(self) -> None:
        with scripted(silence) as server:
            ended = run("--core", server.url, "--no-tls", "--psk", "", "--timeout", "0.5", "help", directory=self.user)
        self.assertEqual(ended.returncode, 4)
        self.assertIn("did not answer within 0.5 seconds", ended.stderr)

    def test_a_large_text_is_copied(self) -> None:
        body = b"line\n" * 2_000_000
        ended = self.meet(http(body, 200, ("Content-Type", "text/plain")))
        self.assertEqual((ended.returncode, len(ended.stdout)), (0, len(body)))

    def test_who_reads_along_is_warned_of(self) -> None:
        ended = run(
            "--core", "http://192.0.2.1:1", "--no-tls", "--timeout", "0.1", "--psk", "", "help", directory=self.user
        )
        self.assertTrue(ended.stderr.startswith("pkid: everybody on the way to http://192.0.2.1:1 can read"))
