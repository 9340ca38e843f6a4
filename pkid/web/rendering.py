"""Pages: resources that may take their time to answer, and the one table from errors to status codes."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from pkid.audit import Action, denied
from pkid.auth.credentials import IMember, Right
from pkid.auth.keyring import Keyring
from pkid.errors import Malformed, PkidError, Refused, Unavailable
from pkid.web.guard import Guard
from pkid.web.head import Header, response_head
from pkid.web.incoming import selected_key
from pkid.web.request import BoundedRequest
from pkid.web.threshold import Threshold

__all__ = ["Answer", "NotFound", "OpenPage", "Page", "PromptPage", "ProtectedPage", "Routes"]

PLAIN = "text/plain; charset=utf-8"

_STATUS_OF_ERROR: tuple[tuple[type[PkidError], HTTPStatus], ...] = (
    (Malformed, HTTPStatus.BAD_REQUEST),
    (Refused, HTTPStatus.FORBIDDEN),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete response."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = PLAIN
    headers: tuple[Header, ...] = ()

    @classmethod
    def of_status(cls, status: HTTPStatus, *headers: Header) -> Answer:
        """Answer with nothing but a status, in the seeds' form: ``401: Unauthorized``."""
        return cls(f"{status.value}: {status.phrase}".encode(), status, headers=headers)

    @classmethod
    def of_error(cls, error: PkidError) -> Answer:
        """Answer with an error: its code and its sentence, in the seeds' two lines."""
        status = next(status for kind, status in _STATUS_OF_ERROR if isinstance(error, kind))
        body = f"Error: {error.reason.code}\nMessage: {error}".encode()
        retry = (("Retry-After", str(error.retry_after)),) if isinstance(error, Unavailable) else ()
        return cls(body, status, headers=retry)

    @classmethod
    def of_missing(cls, right: Right, member: IMember) -> Answer:
        """Answer a member who lacks a right, in the seeds' form; to their users, issuing is a part of ``admin``."""
        shown = Right.ADMIN if right is Right.ISSUE and member.is_user else right
        body = f"Not allowed to perform this operation. Missing permission: {shown.value}"
        return cls(body.encode(), HTTPStatus.FORBIDDEN)

    def write(self, request: BoundedRequest) -> Deferred[None] | None:
        """Send the response, and finish the request; fire when that is done, if it takes time."""
        head = response_head(self.status, self.content_type, self.headers, len(self.body))
        request.send(self.status, head, self.body)
        return None


Soon = Deferred[Answer] | Coroutine[Any, Any, Answer]
"""An answer that is not there yet; ``async def`` gives one, too."""


class Page(Resource):
    """A resource at exactly one path, which may take its time to answer and works for nobody who left."""

    isLeaf = True
    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD")
    body_limit: ClassVar[int] = 4096
    """Bytes that the body of a request to this page may have."""
    _log = Logger()

    def render(self, request: BoundedRequest) -> int:
        """Start to answer; the connection's end cancels it."""
        running: Deferred[Any] = maybeDeferred(self.respond, request)
        running.addBoth(_write, request).addErrback(self._failed, request)
        if not request.finished:
            request.give_up = running.cancel
        return NOT_DONE_YET

    def respond(self, request: BoundedRequest) -> Soon:
        """Answer a request, whatever its method and whoever asks."""
        raise NotImplementedError

    def wrong_method(self, request: BoundedRequest) -> Answer | None:
        """Return the answer to a method that this page does not have."""
        if request.method.decode("ascii", "replace") in self.methods:
            return None
        return Answer.of_status(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ",".join(self.methods)))

    def _failed(self, failure: Failure, request: BoundedRequest) -> None:
        if failure.check(CancelledError):
            return
        if request.startedWriting:  # an end without the last chunk tells the client that something is missing
            self._log.error("cut off an answer of {path}: {problem!r}", path=request.path, problem=failure.value)
            request.channel.abort()
            return
        self._log.failure("cannot answer {method} {path}", failure, method=request.method, path=request.path)
        Answer.of_status(HTTPStatus.INTERNAL_SERVER_ERROR).write(request)


class OpenPage(Page):
    """A page for everybody; it does not even look at credentials."""

    async def respond(self, request: BoundedRequest) -> Answer:
        """Answer whoever asks."""
        return self.wrong_method(request) or await self.answer(request)

    async def answer(self, request: BoundedRequest) -> Answer:
        """Answer a request that has one of the page's methods."""
        raise NotImplementedError


class PromptPage(Page):
    """A page for everybody that waits for nothing, so that no coroutine is made for its answer."""

    def render(self, request: BoundedRequest) -> int:
        """Answer at once."""
        try:
            self._prompt_or_error(request).write(request)
        except Exception:
            self._failed(Failure(), request)
        return NOT_DONE_YET

    def prompt(self, request: BoundedRequest) -> Answer:
        """Return the answer to a request that has one of the page's methods."""
        raise NotImplementedError

    def _prompt_or_error(self, request: BoundedRequest) -> Answer:
        try:
            return self.wrong_method(request) or self.prompt(request)
        except PkidError as error:
            return Answer.of_error(error)


def _write(result: Answer | Failure, request: BoundedRequest) -> Deferred[None] | None:
    """Send an answer, or what there is to say of an error that was to be expected."""
    return (_answer_of(result) if isinstance(result, Failure) else result).write(request)


def _answer_of(failure: Failure) -> Answer:
    error = failure.value
    if isinstance(error, UnauthorizedLogin):
        return Answer.of_status(HTTPStatus.UNAUTHORIZED, ("WWW-Authenticate", 'Bearer realm="pkid"'))
    if isinstance(error, PkidError):
        return Answer.of_error(error)
    failure.raiseException()


class ProtectedPage(Page):
    """A page for members who have the right to it.

    :param guard: says who the caller is.
    """

    right: ClassVar[Right | None] = None
    """What a member must be allowed; ``None`` lets every member in."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def respond(self, request: BoundedRequest) -> Deferred[Answer]:
        """Let the caller in first, so that strangers learn nothing about the page."""
        return self.admit(request).addCallback(self._receive, request)

    def admit(self, request: BoundedRequest) -> Deferred[IMember]:
        """Fire with who the caller is; by its token, unless a page says otherwise."""
        return self._guard.admit(request)

    def answer(self, request: BoundedRequest, member: IMember) -> Soon:
        """Answer a member's request that has one of the page's methods."""
        raise NotImplementedError

    def _receive(self, member: IMember, request: BoundedRequest) -> Answer | Deferred[Answer]:
        if self.right is not None and self.right not in member.rights:
            path = request.path.decode("ascii", "replace")
            denied(Action.REQUEST, member.credential, request.peer, "missing-right", right=self.right.value, path=path)
            return Answer.of_missing(self.right, member)
        if wrong := self.wrong_method(request):
            return wrong
        answer = self.answer(request, member)
        return answer if isinstance(answer, Deferred) else Deferred.fromCoroutine(answer)


class NotFound(ProtectedPage):
    """What stands at every path without a page: strangers are not told that there is none."""

    def respond(self, request: BoundedRequest) -> Deferred[Answer]:
        """Answer members, by any method, that there is nothing."""
        return self.admit(request).addCallback(lambda _: Answer.of_status(HTTPStatus.NOT_FOUND))


class Routes(Resource):
    """The root of the site: one page for each path, and one for all others.

    :param pages: by path, as it stands in the request line; nothing is decoded.
    :param keyring: has the keys that a path may select in front of that.
    :param threshold: what every request passes first.
    """

    isLeaf = True

    def __init__(
        self, pages: Mapping[str, Page], otherwise: Page, keyring: Keyring, threshold: Threshold | None = None
    ) -> None:
        super().__init__()
        self._pages = {path.encode("ascii"): page for path, page in pages.items()}
        self._names = {path.encode("ascii"): path for path in pages}
        self._otherwise = otherwise
        self._keyring = keyring
        self._threshold = threshold or Threshold()

    @property
    def notices(self) -> tuple[str, ...]:
        """What every answer says is off."""
        return self._threshold.notices

    def page(self, path: bytes) -> Page:
        """Return the page at a path."""
        return self._pages.get(path) or self._pages.get(selected_key(path, self._keyring)[1], self._otherwise)

    def name(self, path: bytes) -> str:
        """Return what stands for the page at a path: its path, or ``other`` where there is none."""
        return self._names.get(path) or self._names.get(selected_key(path, self._keyring)[1], "other")

    @property
    def names(self) -> list[str]:
        """What stands for all pages."""
        return [*self._names.values(), "other"]

    def render(self, request: BoundedRequest) -> int:
        """Let the page answer, unless the request does not pass the threshold."""
        try:
            self._threshold.pass_over(request)
        except Refused as error:
            Answer.of_error(error).write(request)
            return NOT_DONE_YET
        return self.page(request.path).render(request)
