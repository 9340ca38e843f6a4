"""The state directory, looked at from outside."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pkid.shell.doctor import directory
from pkid.shell.doctor.directory import Found, check_directory, check_files, check_lock, lock_holder, look_into
from pkid.shell.doctor.finding import Finding, Severity
from tests.support import Case

STATE = Path("/state")


def severities(findings: Iterable[Finding]) -> list[str]:
    return [finding.severity.value for finding in findings]


def file(name: str, mode: int, owner: int = 1) -> Found:
    return Found(STATE / name, stat.S_IFREG | mode, owner)


class ModeTests(Case):
    def test_a_directory_is_for_its_owner(self) -> None:
        for mode, severity in (
            (0o700, "ok"),
            (0o750, "warning"),
            (0o701, "warning"),
            (0o720, "problem"),
            (0o702, "problem"),
        ):
            found = Found(STATE, stat.S_IFDIR | mode, 1)
            self.assertEqual(severities(check_directory(found, 1)), [severity], oct(mode))

    def test_another_user_cannot_examine_it_and_root_can(self) -> None:
        found = Found(STATE, stat.S_IFDIR | 0o700, 1)
        self.assertEqual(severities(check_directory(found, 0)), ["ok"])
        self.assertEqual(severities(check_directory(found, 2)), ["ok", "problem"])

    def check(self, *files: Found) -> list[str]:
        *findings, count = check_files(files, 1)
        self.assertEqual(count.severity, Severity.OK)
        return severities(findings)

    def test_files_with_secrets_are_for_their_owner(self) -> None:
        for name in ("psk", "ca.pem", "host.pem", "ledger.sqlite", "ledger.sqlite-wal", "history", "unknown"):
            self.assertEqual(self.check(file(name, 0o600)), [])
            self.assertEqual(self.check(file(name, 0o640)), ["problem"])
            self.assertEqual(self.check(file(name, 0o604)), ["problem"])

    def test_what_is_for_everybody_may_be_read_and_not_written(self) -> None:
        for name in ("ca.crt", "addresses", "trust-domain"):
            self.assertEqual(self.check(file(name, 0o644)), [])
            self.assertEqual(self.check(file(name, 0o664)), ["problem"])
            self.assertEqual(self.check(file(name, 0o646)), ["problem"])

    def test_they_belong_to_whom_the_directory_belongs_or_to_root(self) -> None:
        self.assertEqual(self.check(file("psk", 0o600, 0), file("psk", 0o600, 1)), [])
        self.assertEqual(self.check(file("psk", 0o600, 2)), ["problem"])

    def test_leftovers_are_seen(self) -> None:
        self.assertEqual(self.check(file(".ca.pem.12.new", 0o600)), ["warning"])

    def test_sockets_and_directories_are_left_alone(self) -> None:
        self.assertEqual(self.check(Found(STATE / "s", stat.S_IFSOCK | 0o777, 1), Found(STATE, stat.S_IFDIR, 1)), [])

    def test_a_remedy_can_be_typed(self) -> None:
        finding, _ = check_files([file("psk", 0o644)], 1)
        self.assertIn("chmod 600 /state/psk", finding.remedy)


class LookTests(Case):
    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.lock = self.state / "lock"

    def test_what_is_there_is_found(self) -> None:
        (self.state / "psk").write_bytes(b"")
        (self.state / "psk").chmod(0o640)
        (self.state / "dangling").symlink_to("nowhere")
        (found,) = look_into(self.state)
        self.assertEqual((found.path.name, found.mode & 0o777, found.owner), ("psk", 0o640, os.geteuid()))

    def hold(self) -> None:
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, f"{os.getpid()}\n".encode())

    def test_who_holds_the_lock_is_told(self) -> None:
        self.hold()
        self.assertEqual(lock_holder(self.lock), os.getpid())

    def test_a_lock_that_is_not_held_is_free_whatever_it_says(self) -> None:
        self.assertIsNone(lock_holder(self.lock))
        self.lock.write_text(f"{os.getpid()}\n")
        self.assertIsNone(lock_holder(self.lock))

    def test_looking_takes_no_lock(self) -> None:
        self.hold()
        lock_holder(self.lock)
        held = directory._LOCKS.read_text().count(f":{self.lock.stat().st_ino} ")
        self.assertEqual(held, 1)

    def test_without_a_list_of_locks_a_living_process_counts(self) -> None:
        self.patch(directory, "_LOCKS", self.state / "none")
        self.lock.write_text(f"{os.getpid()}\n")
        self.assertEqual(lock_holder(self.lock), os.getpid())
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        self.lock.write_text(f"{child}\n")
        self.assertIsNone(lock_holder(self.lock))

    def test_a_core_that_does_not_run_is_no_problem(self) -> None:
        self.assertEqual(check_lock(self.state, None).severity, Severity.WARNING)
        self.assertIn("process 7", check_lock(self.state, 7).what)
