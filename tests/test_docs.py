"""The documents: what they point to is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support import Case

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PROMISES = ROOT / "docs" / "compatibility.md"


def promises() -> Iterator[list[str]]:
    """Yield the cells of each row that names a promise of the originals' pages."""
    text = PROMISES.read_text().partition("## What the pages promise")[2].partition("\n## ")[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if cells and not cells[0].startswith(("**", "---", "promise")):
            yield cells


def sections(page: Path) -> Iterator[str]:
    """Yield what links call the sections of a page."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class DocumentTests(Case):
    def test_links_lead_somewhere(self) -> None:
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
                if not target.startswith(("http://", "https://")):
                    self.assertTrue((document.parent / target).exists(), f"{document.name} links to {target}")

    def test_links_to_a_section_lead_to_one(self) -> None:
        for document in DOCUMENTS:
            for target, section in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text()):
                path = document.parent / target if target else document
                self.assertIn(section, set(sections(path)), f"{document.name} links to {target}#{section}")

    def test_the_tests_that_they_name_exist(self) -> None:
        for document in DOCUMENTS:
            for name in re.findall(r"`(tests/[^`]+)`", document.read_text()):
                path = name.partition("::")[0]
                self.assertTrue((ROOT / path).exists(), f"{document.name} names {name}")

    def test_each_promise_has_a_test_or_is_open(self) -> None:
        rows = list(promises())
        self.assertGreater(len(rows), 30)
        for promise, seen, held in rows:
            self.assertTrue(held.startswith("`tests/") or seen.startswith("open: "), promise)
