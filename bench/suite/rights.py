"""A state directory with many rights in it, which would take a core minutes to be told one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.core import running_core
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.store.rights import SQLRights
from pkid.store.sqlite import open_sqlite

__all__ = ["state_with_grants"]


@contextmanager
def state_with_grants() -> Iterator[Callable[[int], Path]]:
    """Yield what returns a state directory in which so many grants stand beside the one that holds for the load.

    Half of them are on the topics of the load, for other components; the others are on topics of their own. Once there
    are many, there are never fewer.
    """
    with TemporaryDirectory() as folder:
        state, left, given = Path(folder) / "state", _grants(), 0
        with running_core(state=state):
            pass  # its first start makes the state directory

        def grant(number: int) -> Path:
            nonlocal given
            engine = open_sqlite(state / "ledger.sqlite")
            with engine.begin() as connection:
                rights = SQLRights(connection)
                rights.set_private(Pattern("bench/**"), True)
                for rule in islice(left, max(0, number - given)):
                    rights.add(rule)
            engine.dispose()
            given = max(given, number)
            return state

        yield grant


def _grants() -> Iterator[Rule]:
    verbs = frozenset(Verb)
    yield Rule(Access.GRANT, verbs, Pattern("bench/**"), Subject("*"))
    for number in count(1):
        topic = "bench/**" if number % 2 else f"other/{number}/*"
        yield Rule(Access.GRANT, verbs, Pattern(topic), Subject(f"web-{number}"))
