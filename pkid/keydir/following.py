"""Follows a directory of keys while the core runs: what changes in it holds within seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pkid.auth.component_keyring import StoredCredential
from pkid.auth.derivation import Offload
from pkid.keydir.directory import Contents, KeyFiles
from pkid.keydir.keyring import DirectoryKeyring
from pkid.keydir.lists import Lists

__all__ = ["INTERVAL", "FollowedDirectory", "News"]

INTERVAL = 5.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class News:
    """What changed in a directory.

    :ivar gained: components that had no key before.
    :ivar lost: the identifiers of credentials that are gone or were replaced.
    :ivar before: the lists as they were.
    :ivar now: the lists as they are.
    """

    gained: frozenset[str]
    lost: frozenset[str]
    before: Lists
    now: Lists


class FollowedDirectory(Service):
    """Keeps a keyring as the files are.

    :param offload: where they are read.
    :ivar keyring: the keyring.
    """

    _log = Logger()
    _timer: IDelayedCall | None = None
    _looking: Deferred[None] | None = None

    def __init__(self, files: KeyFiles, offload: Offload, clock: IReactorTime) -> None:
        self.keyring = DirectoryKeyring()
        self._files = files
        self._offload = offload
        self._clock = clock
        self._contents = Contents()
        self._said: frozenset[str] = frozenset()
        self._tell: Callable[[News], object] = lambda news: None

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._files.path

    @property
    def credentials(self) -> Sequence[StoredCredential]:
        """What the keys were when they were read last; one that expired cannot be used."""
        return [credential for found in self._contents.credentials.values() for credential in found]

    @property
    def lists(self) -> Lists:
        """What the lists said last."""
        return self._contents.lists

    def prepare(self) -> None:
        """Read the directory for the first time; blocks, for use before the reactor runs.

        :raises StateError: when it cannot be used.
        """
        self._use(self._files.open())

    def tell(self, news: Callable[[News], object]) -> None:
        """Have somebody told of each change from now on, after the keyring has it."""
        self._tell = news

    def startService(self) -> None:
        """Look from time to time."""
        super().startService()
        self._timer = self._clock.callLater(INTERVAL, self._look)

    def stopService(self) -> Deferred[None] | None:
        """Stop to look; wait for a look that is under way."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._looking

    def _look(self) -> None:
        self._timer = None
        self._looking = looking = self._offload(self._files.read).addCallback(self._use)
        looking.addErrback(self._fail).addCallback(self._looked)

    def _looked(self, _: None) -> None:
        self._looking = None
        if self.running:
            self._timer = self._clock.callLater(INTERVAL, self._look)

    def _fail(self, failure: Failure) -> None:
        self._log.failure("{path} cannot be read again; all stays as it is", failure, path=str(self.path))

    def _use(self, contents: Contents) -> None:
        if contents is self._contents:
            return
        before, self._contents = self._contents, contents
        self.keyring.exchange(contents.credentials)
        self._complain(contents)
        lost = frozenset(_identifiers(before, but=contents))
        gained = contents.credentials.keys() - before.credentials.keys()
        if gained or lost or before.lists != contents.lists:
            self._log.info(
                "{path} holds keys of {count} components", path=str(self.path), count=len(contents.credentials)
            )
            self._tell(News(frozenset(gained), lost, before.lists, contents.lists))

    def _complain(self, contents: Contents) -> None:
        """Say of each problem what it is, once as long as it lasts."""
        said = frozenset(f"{path} {problem}; {remedy}" for path, (problem, remedy) in contents.problems.items())
        for problem in sorted(said - self._said):
            self._log.error("{problem}", problem=problem)
        self._said = said


def _identifiers(contents: Contents, but: Contents) -> Iterator[str]:
    """Yield the identifiers of credentials, but for those that stand elsewhere in the same way."""
    for name, credentials in contents.credentials.items():
        others = but.credentials.get(name, ())
        yield from (credential.identifier for credential in credentials if credential not in others)
