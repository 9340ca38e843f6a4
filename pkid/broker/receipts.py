"""Acknowledgements on both sides: what a subscriber has not acknowledged, and what a publisher has sent before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from pkid.broker.commands import RequestId
from pkid.broker.message import Message

__all__ = ["Outstanding", "Received"]


@dataclass(slots=True)
class Outstanding:
    """A message that was sent and not acknowledged yet."""

    message: Message
    sends: int = 1


_NOTHING: OrderedDict[RequestId, bool] = OrderedDict()  # never changed: stands for those of the many who sent nothing


class Received:
    """The publications of one session that may come again.

    :param most: how many are remembered; the oldest is forgotten first.
    """

    __slots__ = ("_acknowledged", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._acknowledged = _NOTHING

    def __contains__(self, request: RequestId) -> bool:
        return request in self._acknowledged

    def note(self, request: RequestId, acknowledged: bool = False) -> None:
        """Remember a publication, which is acknowledged at once or will be."""
        if self._acknowledged is _NOTHING:
            self._acknowledged = OrderedDict()
        self._acknowledged[request] = acknowledged
        if len(self._acknowledged) > self._most:
            self._acknowledged.popitem(last=False)

    def are_new(self, requests: Collection[RequestId]) -> bool:
        """Tell whether none of these came before, and none of them comes twice."""
        return self._acknowledged.keys().isdisjoint(requests) and len(set(requests)) == len(requests)

    def acknowledge(self, request: RequestId) -> None:
        """Note that a publication was acknowledged."""
        if request in self._acknowledged:
            self._acknowledged[request] = True

    def is_acknowledged(self, request: RequestId) -> bool:
        """Tell whether a publication was acknowledged, so that a copy of it may be at once."""
        return self._acknowledged.get(request, False)

    def forget(self, request: RequestId) -> None:
        """Forget a publication: what comes under its number from now on is a new one."""
        self._acknowledged.pop(request, None)

    def clear(self) -> None:
        """Forget all."""
        self._acknowledged = _NOTHING
