"""Coverage-guided fuzzing of what strangers can send: the line protocol's codec."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from pkid.line.commands import ARITIES
from pkid.line.events import EVENT_ARITIES
from tests.line.test_docs import EXAMPLES
from tests.support import Case, require, slow

ROOT = Path(__file__).resolve().parents[2]
RUNS = 100_000
WORDS = "#1 ", " +3", " +json", " +qos=1", " +since=last", " +within=1.5", " :", "\\x0a"


class FuzzTests(Case):
    def test_the_line_protocol_raises_nothing_but_its_own_faults(self) -> None:
        slow()
        require(find_spec("atheris") is not None, "atheris (pip install -e .[fuzz])")
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        corpus = folder / "corpus"
        corpus.mkdir()
        lines = [line[1:].lstrip() for line in "".join(EXAMPLES).replace("<", ">").split(">")]
        for number, line in enumerate(["".join(EXAMPLES), *lines]):
            (corpus / str(number)).write_bytes(b"\0" + line.encode())
        dictionary = folder / "words"
        words = [
            *ARITIES,
            *EVENT_ARITIES,
            "#1 ",
            " +3",
            " +json",
            " +qos=1",
            " +since=last",
            " +within=1.5",
            " :",
            "\\x0a",
        ]
        dictionary.write_text("".join(f'"{word}"\n' for word in words))
        options = f"-runs={RUNS}", "-max_len=512", f"-dict={dictionary}", str(corpus)
        command = [sys.executable, "-m", "tests.line.fuzzer", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        print(f" [{done.stderr.strip().splitlines()[-1]}]", end="")
