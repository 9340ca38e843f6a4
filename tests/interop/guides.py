"""The guides in ``docs/guides``, and what somebody has who follows them: files of ``certificate create``."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from tests.daemon import CHECKOUT, Daemon
from tests.interop.core import ask, bearer

__all__ = ["block", "create"]

PART = re.compile(
    rb'Content-Disposition: attachment; filename="([^"]+)"\r\nContent-Length: \d+\r\n\r\n(.*?)\r\n--cli-part', re.DOTALL
)


def block(guide: str, language: str) -> str:
    """Return the one block of this language in a guide."""
    text = (CHECKOUT / "docs" / "guides" / f"{guide}.md").read_text()
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return str(found)


def create(daemon: Daemon, folder: Path, arguments: str) -> list[Path]:
    """Run ``certificate create`` with these arguments at ``/cli/execute``; return the files, which only we can read."""
    headers = {**bearer(), "Content-Type": "text/plain"}
    answer = ask(daemon, "POST", "/cli/execute", f"certificate create {arguments}".encode(), headers)
    assert answer.status == 200, answer.body
    files = []
    for name, content in PART.findall(answer.body):
        path = folder / unquote(name.decode())
        path.touch(0o600)
        path.write_bytes(content)
        files.append(path)
    return files
