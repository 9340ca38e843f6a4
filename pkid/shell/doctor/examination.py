"""The examination: gathers what the checks need to know, and runs each, whatever becomes of the others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from pkid.exchange import verified_context
from pkid.origin import Origin
from pkid.shell.doctor.credentials import check_credentials, read_credentials
from pkid.shell.doctor.directory import Found, check_directory, check_files, check_lock, lock_holder, look_into
from pkid.shell.doctor.finding import Finding, failure, ok, problem, warning
from pkid.shell.doctor.issuers import check_former, read_issuers
from pkid.shell.doctor.keys import check_authority, check_host, check_own, check_published, check_secret, read_pair
from pkid.shell.doctor.ledger import Expected, check_contents, check_room, read_database
from pkid.shell.doctor.network import ask_core, check_clock, check_door, check_readiness, doors
from pkid.shell.exits import EXPECTED
from pkid.shell.options import Options
from pkid.shell.trust import trusted_core

__all__ = ["Examination", "examine"]


@dataclass(frozen=True, slots=True)
class Examination:
    """What is looked at.

    :ivar state: a state directory, if there is one.
    :ivar core: where a core should be, if that was said.
    """

    state: Path | None
    core: Origin | None
    options: Options

    @property
    def checks(self) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
        """The checks, by what they look at."""
        if self.state is not None:
            yield "state directory", self._directory
            yield "pre-shared key", self._secret
            yield "CA", self._authority
            yield "host certificate", self._host
            yield "ledger", self._ledger
            yield "credentials", self._credentials
            yield "messages", self._messages
            yield "doors", self._doors
        if self.core is not None:
            yield "core", self._core

    def _directory(self) -> Iterator[Finding]:
        assert self.state is not None
        directory = Found.at(self.state)
        yield from check_directory(directory, os.geteuid())
        yield from check_files(look_into(self.state), directory.owner)
        yield check_lock(self.state, lock_holder(self.state / "lock"))

    def _secret(self) -> Iterator[Finding]:
        content = self._content("psk")
        yield ok("none is stored here; the core is given one") if content is None else check_secret(content)

    def _authority(self) -> Iterator[Finding]:
        content, published = self._content("ca.pem"), self._content("ca.crt")
        pair = None if content is None else read_pair(content)
        if content is not None:
            yield from check_authority(pair, datetime.now(UTC))
        elif published is not None:
            yield ok("no CA is stored here; the core is given one")
        elif self._content("host.pem") is not None:
            yield problem("ca.pem is missing, but there was a CA once", "restore it from a backup")
        else:
            yield warning("there is no CA", "the core's first start makes one")
        assert self.state is not None
        ledger = self.state / "ledger.sqlite"
        issuers = read_issuers(ledger) if ledger.exists() else []
        if published is not None:
            anchor = next((each.chain[-1] for each in issuers if not each.is_former), None)
            yield check_published(pair, _certificates(published), anchor)
        yield from check_former(issuers)

    def _host(self) -> Iterator[Finding]:
        assert self.state is not None
        content = self._content("host.pem")
        own = _certificates(self._content("host.crt") or b"")
        if content is not None:
            running = lock_holder(self.state / "lock") is not None
            yield from check_host(read_pair(content), self._issuers(), datetime.now(UTC), running)
        elif own:
            yield from check_own(own[0], datetime.now(UTC))
        else:
            yield ok("none is stored here")

    def _ledger(self) -> Iterator[Finding]:
        from pkid.store.upgrade import LEDGER

        assert self.state is not None
        path, table = self.state / "ledger.sqlite", LEDGER.version_table
        if not path.exists():
            lost = self._content("host.pem") is not None
            yield problem("it is missing", "restore it") if lost else ok("there is none yet")
            return
        nothing = "the core signs nothing"
        yield from _database(
            path, Expected(LEDGER.what, LEDGER.application, LEDGER.head, table, "certificates", nothing)
        )

    def _credentials(self) -> Iterator[Finding]:
        from pkid.store.material import RECOVERABLE_SECRET

        assert self.state is not None
        path = self.state / "ledger.sqlite"
        if not path.exists():
            yield ok("none are stored here")
            return
        try:
            yield from check_credentials(read_credentials(path, RECOVERABLE_SECRET), datetime.now(UTC))
        except sqlite3.Error as error:
            yield problem(f"they cannot be read ({error})", "see the ledger's file and disk")

    def _messages(self) -> Iterator[Finding]:
        from pkid.store.messages.schema import MESSAGES

        assert self.state is not None
        path, table = self.state / "messages.sqlite", MESSAGES.version_table
        if not path.exists():
            yield ok("none are kept here")
            return
        nothing = "the core keeps no messages"
        yield from _database(
            path, Expected(MESSAGES.what, MESSAGES.application, MESSAGES.head, table, "messages", nothing)
        )

    def _doors(self) -> Iterator[Finding]:
        assert self.state is not None
        listed = list(doors((self._content("addresses") or b"").decode("utf-8", "replace")))
        authorities = _certificates(self._content("ca.crt") or b"")
        own = self._content("host.crt") is not None  # whom the clients trust then, and by which name, is not known here
        if not listed or lock_holder(self.state / "lock") is None:
            yield ok("none is open")
            return
        for door in listed:
            if door.origin is None or not authorities or own:
                yield check_door(door, self.options.timeout)
            else:
                yield from self._ask(door.origin, lambda: verified_context(*authorities))

    def _core(self) -> Iterator[Finding]:
        assert self.core is not None
        yield from self._ask(self.core, lambda: trusted_core(self.options).context)

    def _ask(self, origin: Origin, trust: Callable[[], ssl.SSLContext]) -> Iterator[Finding]:
        try:
            context = trust()
        except EXPECTED as error:
            yield failure(error)
            return
        answer, finding = ask_core(origin, context, self.options.timeout)
        yield finding
        if answer is not None:
            yield check_readiness(answer)
            yield check_clock(answer, time.time())

    def _content(self, name: str) -> bytes | None:
        """Return the content of a file of the state directory, if it is there."""
        assert self.state is not None
        try:
            return (self.state / name).read_bytes()
        except FileNotFoundError:
            return None

    def _issuers(self) -> Sequence[x509.Certificate]:
        """Return the stored CA's chain, if it is the CA that is in use."""
        stored = self._content("ca.pem")
        pair = None if stored is None else read_pair(stored)
        published = _certificates(self._content("ca.crt") or b"")
        return pair.chain if pair is not None and published and published[0] in pair.chain else ()


def examine(examination: Examination) -> Iterator[tuple[str, Finding]]:
    """Run every check, and yield what each finds; one that fails is a finding itself."""
    for name, check in examination.checks:
        try:
            for finding in check():
                yield name, finding
        except OSError as error:
            where = error.filename or "something"
            yield name, problem(f"{where} cannot be read ({error.strerror})", "run doctor as the core's user")
        except Exception as error:
            yield name, problem(f"this could not be checked ({type(error).__name__}: {error})", "report it")


def _database(path: Path, expected: Expected) -> Iterator[Finding]:
    try:
        yield from check_contents(read_database(path, expected), expected)
    except sqlite3.Error as error:
        yield problem(f"it cannot be read ({error})", "see its file and disk, or restore it from a backup")
    beside = (path, *(path.with_name(f"{path.name}-{end}") for end in ("wal", "shm")))
    size = sum(file.stat().st_size for file in beside if file.exists())
    yield check_room(expected, size, shutil.disk_usage(path).free)


def _certificates(content: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        return []
