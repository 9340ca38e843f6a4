"""The system's pages, for everybody: whether the core is there, and whether it can do its work."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from pkid.selftest import SelfTest
from pkid.web.rendering import Answer, OpenPage, PromptPage
from pkid.web.request import BoundedRequest

__all__ = ["NobodyPage", "PingPage", "ReadyPage"]


class PingPage(PromptPage):
    """``GET /system/ping``: ``pong``."""

    def prompt(self, request: BoundedRequest) -> Answer:
        """Answer that the core is there."""
        return Answer(b"pong")


class ReadyPage(OpenPage):
    """``GET /system/ready``: ``ok`` when a certificate can be signed and recorded, else 503 and why not.

    :param notices: what protection is off, one line each behind the ``ok``.
    """

    def __init__(self, self_test: SelfTest, notices: Iterable[str] = ()) -> None:
        super().__init__()
        self._self_test = self_test
        self._body = "\n".join(["ok", *notices]).encode()

    async def answer(self, request: BoundedRequest) -> Answer:
        """Answer with the self-test's result."""
        await self._self_test.run()
        return Answer(self._body)


class NobodyPage(PromptPage):
    """``GET /authorization/user``: nothing, which tells the shells that nobody needs to log in."""

    def prompt(self, request: BoundedRequest) -> Answer:
        """Answer that there is no user."""
        return Answer(b"", HTTPStatus.NO_CONTENT)
