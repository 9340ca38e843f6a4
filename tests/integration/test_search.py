"""The real daemon's ledger, searched while it is large, and pruned when it starts."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.daemon import Daemon, start_daemon
from tests.interop.core import WITH_PSK, Answer, ask, bearer
from tests.support import Case

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record(daemon: Daemon, names: list[str], end: timedelta) -> None:
    """Write certificates into the ledger of a daemon that is stopped.

    :param end: when they end, from now on.
    """
    now = datetime.now(UTC)
    issued, ended = ((instant - EPOCH) // MICROSECOND for instant in (now - timedelta(days=400), now + end))
    rows = [
        (os.urandom(19).hex().rjust(40, "0"), name, os.urandom(32), issued, issued, ended, os.urandom(300))
        for name in names
    ]
    database = sqlite3.connect(daemon.state / "ledger.sqlite")
    database.executemany(
        "INSERT INTO certificates (serial, name, proven, profile, credential, sha256, issued_at, not_before, "
        "not_after, certificate) VALUES (?, ?, 0, 'component', 'psk:default', ?, ?, ?, ?, ?)",
        rows,
    )
    database.commit()
    database.close()


class SearchTests(Case):
    def execute(self, daemon: Daemon, text: str, accept: str = "application/json") -> Answer:
        headers = {**bearer(), "Content-Type": "text/plain", "Accept": accept}
        answer = ask(daemon, "POST", "/cli/execute", text.encode(), headers)
        self.assertEqual(answer.status, 200, answer.body)
        return answer

    def items(self, daemon: Daemon, text: str) -> Any:
        return json.loads(self.execute(daemon, text).body)

    def test_a_large_answer_comes_whole_in_each_form(self) -> None:
        daemon = start_daemon(self, *WITH_PSK)
        daemon.stop()
        names = [f"web-{number:04}" for number in range(3000)]
        record(daemon, names, timedelta(days=9))
        daemon.start()
        search = "search name like web-* sort name"
        answer = self.execute(daemon, search)
        self.assertEqual(answer.headers["Transfer-Encoding"], "chunked")
        self.assertEqual([item["name"] for item in json.loads(answer.body)], names)
        lines = self.execute(daemon, search, "application/x-ndjson").body.splitlines()
        self.assertEqual([json.loads(line)["name"] for line in lines], names)
        listed = self.execute(daemon, f"{search} | list name", "text/plain").body.decode()
        self.assertEqual(listed, "".join(f"name={name}\n" for name in names))
        self.assertEqual(self.items(daemon, f"{search} | tail 1 | list name"), ["name=web-2999"])
        self.assertEqual(self.items(daemon, "search is(core) | format {ledger_rows}"), ["3001"])

    def test_what_expired_long_ago_is_forgotten(self) -> None:
        daemon = start_daemon(self, *WITH_PSK, "--keep-expired", "30d")
        daemon.stop()
        record(daemon, ["long-ago"], -timedelta(days=31))
        record(daemon, ["lately"], -timedelta(days=29))
        daemon.start()
        self.assertEqual(ask(daemon, "GET", "/system/ready").status, 200)  # it writes to the ledger, behind the pruning
        self.assertEqual(self.items(daemon, "certificate list --expired | list name"), ["name=lately"])
