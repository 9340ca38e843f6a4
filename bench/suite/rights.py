"""A state directory with many rights in it, which would take a core minutes to be told one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.core import running_core
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.store.rights import SQLRights
from pkid.store.sqlite import open_sqlite

__all__ = ["state_with_grants"]


@contextmanager
def state_with_grants(count: int) -> Iterator[Path]:
    """Yield a state directory in which so many grants stand beside the one that holds for the load.

    Half of them are on the topics of the load, for other components; the others are on topics of their own.
    """
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        with running_core(state=state):
            pass  # its first start makes the state directory
        engine = open_sqlite(state / "ledger.sqlite")
        with engine.begin() as connection:
            rights = SQLRights(connection)
            rights.set_private(Pattern("bench/**"), True)
            for rule in _grants(count):
                rights.add(rule)
        engine.dispose()
        yield state


def _grants(count: int) -> Iterator[Rule]:
    verbs = frozenset(Verb)
    yield Rule(Access.GRANT, verbs, Pattern("bench/**"), Subject("*"))
    for number in range(1, count):
        topic = "bench/**" if number % 2 else f"other/{number}/*"
        yield Rule(Access.GRANT, verbs, Pattern(topic), Subject(f"web-{number}"))
