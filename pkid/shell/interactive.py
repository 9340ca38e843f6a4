"""A conversation on a terminal: a prompt, completion by what the core tells, and a history for its owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from pkid.files import PRIVATE
from pkid.shell.completion import Vocabulary
from pkid.shell.exits import EXPECTED, Exit
from pkid.shell.options import default_state
from pkid.shell.screen import printable
from pkid.shell.session import Session, is_farewell

__all__ = ["converse"]

_PROMPT = "> "


def converse(session: Session) -> Exit:
    """Run what is typed until the end of input, or a farewell; Ctrl-C ends the running command alone."""
    if session.run("welcome") is Exit.UNAUTHENTICATED:
        return Exit.UNAUTHENTICATED
    prompt: PromptSession[str] = PromptSession(
        history=_history(default_state(os.environ)), completer=_Completer(_vocabulary(session)),
        complete_while_typing=False,
    )  # fmt: skip
    while True:
        try:
            line = prompt.prompt(_PROMPT)
            if is_farewell(line):
                return Exit.DONE
            if line.strip() and session.run(line) is Exit.UNAUTHENTICATED:
                return Exit.UNAUTHENTICATED
        except KeyboardInterrupt:
            session.writer.line("")
        except EOFError:
            return Exit.DONE


class _Completer(Completer):
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        for each in self._vocabulary.suggest(document.text_before_cursor):
            yield Completion(each.word, -each.typed, display_meta=printable(each.info))


def _vocabulary(session: Session) -> Vocabulary:
    try:
        return Vocabulary(session.core.describe())
    except EXPECTED:
        return Vocabulary(b"")


def _history(directory: Path | None) -> History:
    """Keep what is typed for the next time, if there is a place for it."""
    if directory is None:
        return InMemoryHistory()
    path = directory / "history"
    try:
        directory.mkdir(0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
        os.fchmod(descriptor, PRIVATE)
        os.close(descriptor)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
