"""The pages of the command line: they carry commands in, and what commands give out, in the seeds' forms."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import quote

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from pkid.audit import Action, allowed, denied
from pkid.auth.credentials import IMember, Right
from pkid.commands.arguments import printable
from pkid.commands.command import File, Output
from pkid.commands.help import describe
from pkid.commands.interpreter import Interpreter, MissingRight
from pkid.commands.language import CommandLine, parse
from pkid.errors import Malformed, PkidError, Reason, Unavailable
from pkid.inventory.results import Counted, Results
from pkid.web.forms import FORMS, JSON_LIST, Form
from pkid.web.guard import Guard
from pkid.web.multipart import BOUNDARY_TYPE, END, part_head, read_parts
from pkid.web.rendering import Answer, ProtectedPage
from pkid.web.request import BoundedRequest
from pkid.web.streaming import StreamedAnswer, answer_in_chunks

__all__ = ["EvaluatePage", "ExecutePage", "InfoPage", "ModelPage"]

_JSON = "application/json; charset=utf-8"
_TIME_TO_COUNT = 0.02  # seconds, before an answer of many pages begins
_COMMAND_HEADERS = ("Fix-Shell-Command", "Resoto-Shell-Command")


class _CommandPage(ProtectedPage):
    """A page that takes a command.

    :param interpreter: knows the commands.
    """

    right: ClassVar = Right.READ

    def __init__(self, guard: Guard, interpreter: Interpreter) -> None:
        super().__init__(guard)
        self._interpreter = interpreter


class ExecutePage(_CommandPage):
    """``POST /cli/execute``: runs the command lines in the body, and answers with what they give."""

    methods: ClassVar = ("POST",)
    body_limit: ClassVar = 128 * 1024

    async def answer(self, request: BoundedRequest, member: IMember) -> Answer:
        """Answer in the form that the ``Accept`` header names exactly, files and several lines as multipart."""
        try:
            program = self._interpreter.prepare(_command(request), member, request.peer)
            outputs = await program.run()
        except MissingRight as error:
            denied(Action.COMMAND, member.credential, request.peer, "missing-right", right=error.right.value)
            return Answer.of_missing(error.right, member)
        except PkidError as error:
            denied(Action.COMMAND, member.credential, request.peer, error.reason.code, message=str(error))
            raise
        allowed(Action.COMMAND, member.credential, request.peer, command=program.names)
        return await _render(outputs, _header(request, "Accept"), request.site.reactor)


class EvaluatePage(_CommandPage):
    """``POST /cli/evaluate``: tells how the command lines in the body are understood, and runs nothing."""

    methods: ClassVar = ("POST",)
    body_limit: ClassVar = ExecutePage.body_limit

    async def answer(self, request: BoundedRequest, member: IMember) -> Answer:
        """Answer with the commands of each line."""
        lines = parse(_command(request))
        for invocation in (each for line in lines for each in line.commands):
            self._interpreter.catalogue.find(invocation.words)
        return Answer(json.dumps([_evaluation(line) for line in lines]).encode(), content_type=_JSON)


class InfoPage(_CommandPage):
    """``GET /cli/info``: what commands there are, for the shells' completion."""

    async def answer(self, request: BoundedRequest, member: IMember) -> Answer:
        """Answer with all of them; there are no aliases and no replacements."""
        info = {
            "commands": describe(self._interpreter.catalogue),
            "replacements": {},
            "alias_names": {},
            "alias_templates": [],
            "infra_app_aliases": [],
        }
        return Answer(json.dumps(info).encode(), content_type=_JSON)


class ModelPage(ProtectedPage):
    """``GET /graph/NAME/model``: no kinds; without this answer the shells show an error when they start."""

    right: ClassVar = Right.READ

    async def answer(self, request: BoundedRequest, member: IMember) -> Answer:
        """Answer with an empty list."""
        return Answer(b"[]", content_type=_JSON)


def _command(request: BoundedRequest) -> str:
    """Find the command: it is the body of a text, and a header beside the files of a multipart body.

    :raises Malformed: when there is none.
    """
    content_type = _header(request, "Content-Type")
    kind = content_type.strip().lower()
    if kind.startswith("text"):
        return _decode(request.body)
    if not kind.startswith("multipart"):
        raise Malformed(Reason.CONTENT_TYPE, printable(content_type) or "no content type")
    read_parts(request.body, content_type)  # of which no command wants any
    for name in _COMMAND_HEADERS:
        if values := request.requestHeaders.getRawHeaders(name.encode("ascii")):
            return _decode(values[0])
    raise Malformed(Reason.COMMAND, f"a multipart request needs its command in the header {_COMMAND_HEADERS[0]}")


def _decode(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(Reason.COMMAND, f"the command is not UTF-8 at byte {error.start + 1}") from None


def _header(request: BoundedRequest, name: str) -> str:
    return (request.getHeader(name.encode("ascii")) or b"").decode("latin-1")


def _evaluation(line: CommandLine) -> dict[str, object]:
    commands = [(each.words[0], each.argument_text) for each in line.commands]
    return {
        "parsed": [{"args": written, "cmd": name} for name, written in commands],
        "execute": [{"cmd": name, "arg": written or None} for name, written in commands],
        "env": line.environment,
    }


async def _render(outputs: Sequence[Output], accept: str, clock: IReactorTime) -> Answer:
    form = FORMS.get(accept, JSON_LIST)
    if len(outputs) == 1 and not outputs[0].files:
        return await _answer_items(outputs[0].all(), form, clock)
    return await answer_in_chunks(_parts(outputs, form), Answer(b"", content_type=BOUNDARY_TYPE))


async def _answer_items(results: Results, form: Form, clock: IReactorTime) -> Answer:
    counted = Counted(results)
    head = Answer(b"", content_type=form.content_type)
    answer = await answer_in_chunks(_with_newline(form.chunks(counted)), head)
    number = await _count(results, clock) if isinstance(answer, StreamedAnswer) else counted.number
    return answer if number is None else replace(answer, headers=(("Result-Count", str(number)),))


async def _count(results: Results, clock: IReactorTime) -> int | None:
    """Count the items of a large answer, unless that takes time."""
    try:
        return await Deferred.fromCoroutine(results.count()).addTimeout(_TIME_TO_COUNT, clock)
    except (Unavailable, TimeoutError):
        return None


async def _with_newline(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """End a text with a newline, if there is any text."""
    written = False
    async for chunk in chunks:
        written = written or bool(chunk)
        yield chunk
    if written:
        yield b"\n"


async def _parts(outputs: Sequence[Output], form: Form) -> AsyncGenerator[bytes, None]:
    for output in outputs:
        if output.files:
            yield b"".join(part_head(_file_headers(file)) + file.content + b"\r\n" for file in output.files)
            continue
        yield part_head({"Content-Type": form.content_type})
        begun = False
        async for chunk in form.chunks(output.all()):
            # A line of dashes could pass for the boundary only where a part begins.
            yield b" " + chunk if chunk.startswith(b"--") and not begun else chunk
            begun = True
        yield b"\r\n"
    yield END


def _file_headers(file: File) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{quote(file.name, safe="")}"',
        "Content-Length": str(len(file.content)),
    }
