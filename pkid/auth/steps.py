"""Steps of a login, which mostly have all that they need.

Knows how coroutines and Deferreds wait, and nothing of logins.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

__all__ = ["take"]

T = TypeVar("T")
_Waiting = Deferred[Any]


def take(step: Coroutine[_Waiting, Any, T]) -> Deferred[T]:
    """Run a coroutine, and fire with what it returns, or fail with what it raises.

    It does what ``Deferred.fromCoroutine`` does, which prepares for a wait before it knows that there is one.
    """
    try:
        awaited = step.send(None)
    except StopIteration as done:
        return succeed(done.value)
    except Exception:
        return fail()
    return Deferred.fromCoroutine(_go_on(step, awaited))


def _go_on(step: Coroutine[_Waiting, Any, T], awaited: _Waiting) -> Generator[_Waiting, Any, T]:
    """Take the rest of a coroutine that waits for something."""
    while True:
        try:
            try:
                result = yield awaited
            except Exception as error:
                awaited = step.throw(error)
            else:
                awaited = step.send(result)
        except StopIteration as done:
            value: T = done.value
            return value
