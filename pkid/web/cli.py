"""The pages of the command line: they carry commands in, and what commands give out, in the seeds' forms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar
from urllib.parse import quote

from twisted.web.server import Request

from pkid.audit import Action, allowed, denied
from pkid.auth.credentials import IMember, Right
from pkid.commands.arguments import printable
from pkid.commands.command import File, Item, Output
from pkid.commands.help import describe
from pkid.commands.interpreter import Interpreter, MissingRight
from pkid.commands.language import CommandLine, parse
from pkid.errors import Malformed, PkidError, Reason
from pkid.web.guard import Guard
from pkid.web.incoming import body, peer
from pkid.web.multipart import BOUNDARY_TYPE, Part, read_parts, write_parts
from pkid.web.rendering import Answer, ProtectedPage

__all__ = ["EvaluatePage", "ExecutePage", "InfoPage", "ModelPage"]

_JSON = "application/json; charset=utf-8"
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

    async def answer(self, request: Request, member: IMember) -> Answer:
        """Answer in the form that the ``Accept`` header names exactly, files and several lines as multipart."""
        try:
            program = self._interpreter.prepare(_command(request), member, peer(request))
            outputs = await program.run()
        except MissingRight as error:
            denied(Action.COMMAND, member.credential, peer(request), "missing-right", right=error.right.value)
            return Answer.of_missing(error.right, member)
        except PkidError as error:
            denied(Action.COMMAND, member.credential, peer(request), error.reason.code, message=str(error))
            raise
        allowed(Action.COMMAND, member.credential, peer(request), command=program.names)
        return _render(outputs, _header(request, "Accept"))


class EvaluatePage(_CommandPage):
    """``POST /cli/evaluate``: tells how the command lines in the body are understood, and runs nothing."""

    methods: ClassVar = ("POST",)
    body_limit: ClassVar = ExecutePage.body_limit

    async def answer(self, request: Request, member: IMember) -> Answer:
        """Answer with the commands of each line."""
        lines = parse(_command(request))
        for invocation in (each for line in lines for each in line.commands):
            self._interpreter.catalogue.find(invocation.words)
        return Answer(json.dumps([_evaluation(line) for line in lines]).encode(), content_type=_JSON)


class InfoPage(_CommandPage):
    """``GET /cli/info``: what commands there are, for the shells' completion."""

    async def answer(self, request: Request, member: IMember) -> Answer:
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

    async def answer(self, request: Request, member: IMember) -> Answer:
        """Answer with an empty list."""
        return Answer(b"[]", content_type=_JSON)


def _command(request: Request) -> str:
    """Find the command: it is the body of a text, and a header beside the files of a multipart body.

    :raises Malformed: when there is none.
    """
    content_type = _header(request, "Content-Type")
    kind = content_type.strip().lower()
    if kind.startswith("text"):
        return _decode(body(request))
    if not kind.startswith("multipart"):
        raise Malformed(Reason.CONTENT_TYPE, printable(content_type) or "no content type")
    read_parts(body(request), content_type)  # of which no command wants any
    for name in _COMMAND_HEADERS:
        if values := request.requestHeaders.getRawHeaders(name.encode("ascii")):
            return _decode(values[0])
    raise Malformed(Reason.COMMAND, f"a multipart request needs its command in the header {_COMMAND_HEADERS[0]}")


def _decode(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(Reason.COMMAND, f"the command is not UTF-8 at byte {error.start + 1}") from None


def _header(request: Request, name: str) -> str:
    return (request.getHeader(name.encode("ascii")) or b"").decode("latin-1")


def _evaluation(line: CommandLine) -> dict[str, object]:
    commands = [(each.words[0], each.argument_text) for each in line.commands]
    return {
        "parsed": [{"args": written, "cmd": name} for name, written in commands],
        "execute": [{"cmd": name, "arg": written or None} for name, written in commands],
        "env": line.environment,
    }


def _render(outputs: Sequence[Output], accept: str) -> Answer:
    content_type, write = _FORMS.get(accept, _FORMS["application/json"])
    if len(outputs) == 1 and not outputs[0].files:
        items = outputs[0].items
        text = "\n".join(write(items))
        headers = (("Result-Count", str(len(items))),)
        return Answer(f"{text}\n".encode() if text else b"", content_type=content_type, headers=headers)
    return Answer(write_parts(_parts(outputs, content_type, write)), content_type=BOUNDARY_TYPE)


def _parts(outputs: Sequence[Output], content_type: str, write: _Writer) -> Iterator[Part]:
    for output in outputs:
        yield from map(_file_part, output.files)
        if not output.files:
            yield Part({"Content-Type": content_type}, "\n".join(write(output.items)).encode())


def _file_part(file: File) -> Part:
    return Part(
        {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{quote(file.name, safe="")}"',
            "Content-Length": str(len(file.content)),
        },
        file.content,
    )


def _plain(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield item if isinstance(item, str) else "\n".join(f"{name}: {value}" for name, value in item.items())


def _list(items: Sequence[Item]) -> Iterator[str]:
    yield "["
    if items:
        yield ",\n".join(map(json.dumps, items))
    yield "]"


def _documents(items: Sequence[Item]) -> Iterator[str]:
    """Write YAML: every JSON text is one (YAML 1.2, section 1.3)."""
    for item in items:
        yield f"---\n{json.dumps(item)}"


_Writer = Callable[[Sequence[Item]], Iterator[str]]
_LINES: tuple[str, _Writer] = ("application/x-ndjson", lambda items: map(json.dumps, items))
_YAML: tuple[str, _Writer] = ("text/yaml", _documents)
_FORMS: dict[str, tuple[str, _Writer]] = {
    "application/json": ("application/json", _list),
    "application/x-ndjson": _LINES,
    "application/ndjson": _LINES,
    "text/plain": ("text/plain", _plain),
    "application/yaml": _YAML,
    "text/yaml": _YAML,
}
