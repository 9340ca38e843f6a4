"""``GET /metrics``: what the core counts and measures, for Prometheus."""

from __future__ import annotations

from typing import ClassVar

from pkid.auth.credentials import IMember, Right
from pkid.metrics.exposition import Exposition
from pkid.web.guard import Guard
from pkid.web.rendering import Answer, OpenPage, ProtectedPage
from pkid.web.request import BoundedRequest

__all__ = ["MetricsPage", "UnprotectedMetricsPage"]


class MetricsPage(ProtectedPage):
    """The metrics, for members who may read."""

    right: ClassVar = Right.READ

    def __init__(self, guard: Guard, exposition: Exposition) -> None:
        super().__init__(guard)
        self._exposition = exposition

    async def answer(self, request: BoundedRequest, member: IMember) -> Answer:
        """Answer with all of them, in the form that the ``Accept`` header asks for."""
        return await _answer(self._exposition, request)


class UnprotectedMetricsPage(OpenPage):
    """The metrics, for everybody."""

    def __init__(self, exposition: Exposition) -> None:
        super().__init__()
        self._exposition = exposition

    async def answer(self, request: BoundedRequest) -> Answer:
        """Answer with all of them, in the form that the ``Accept`` header asks for."""
        return await _answer(self._exposition, request)


async def _answer(exposition: Exposition, request: BoundedRequest) -> Answer:
    accept = (request.getHeader(b"Accept") or b"").decode("latin-1")
    written = await exposition.write(accept)
    return Answer(written.body, content_type=written.content_type)
