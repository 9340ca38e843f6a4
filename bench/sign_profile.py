"""Where the time of ``POST /ca/sign`` goes: a profile of the reactor's thread, and one of the store's.

The first is of a running core under load; the second of the same transactions in this process. Times are those of a
program that is being profiled; it is their shares that mean something.

    .venv/bin/python bench/sign_profile.py [--ca-key-type p256] [--requests 2000] [--lines 30] > bench/profiles/NAME.txt
"""

from __future__ import annotations

import argparse
import cProfile
import io
import os
import pstats
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.core import running_core
from bench.suite.load import Target, request, requests_per_second
from bench.suite.supply import CertificateRequests
from pkid.ca.authority import Authority, Order
from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain
from pkid.ca.policy import ANY_NAME
from pkid.ca.profile import Profile
from pkid.ca.serial import RANDOM_BYTES, serial_number
from pkid.store.service import SQLStore
from pkid.store.sqlite import open_sqlite

GROUP = 12  # orders in one transaction, as they come with 16 connections


def main() -> None:
    """Profile both, and print the functions that take most time themselves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca-key-type", default="p256", choices=[kind.value for kind in KeyType])
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=30)
    options = parser.parse_args()
    bodies = CertificateRequests().take(options.requests)
    for title, profile in (("the reactor's thread", profile_reactor), ("the store's thread", profile_store)):
        with TemporaryDirectory() as folder:
            report(title, profile(Path(folder), options.ca_key_type, bodies), options)


def profile_reactor(folder: Path, kind: str, bodies: list[bytes]) -> pstats.Stats:
    """Profile a core that answers over TLS."""
    file = folder / "profile"
    before = ("--profile", str(file), "--profiler", "cprofile", "--savestats")
    with running_core("--ca-key-type", kind, before=before) as core:
        token = core.token()
        requests = [request("POST", "/ca/sign", body, Authorization=f"Bearer {token}") for body in bodies]
        requests_per_second(Target(core.port, core.pid), requests, 600)
    return pstats.Stats(str(file))


def profile_store(folder: Path, kind: str, bodies: list[bytes]) -> pstats.Stats:
    """Profile transactions that sign and record."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731
    issuer = make_root(KeyType(kind).generate(), now(), x509.random_serial_number())
    rules = Profile(TrustDomain(DEFAULT_TRUST_DOMAIN), timedelta(days=365), issuer.key.public_key())
    authority = Authority(issuer, rules, now, lambda: serial_number(now(), os.urandom(RANDOM_BYTES)))
    engine = open_sqlite(folder / "ledger.sqlite")
    store = SQLStore(engine, lambda call: call())
    profile = cProfile.Profile()
    for start in range(0, len(bodies), GROUP):
        orders = [Order(body, "psk:default", ANY_NAME) for body in bodies[start : start + GROUP]]
        profile.runcall(store.transact_now, lambda ledger, orders=orders: authority.fulfil(orders, ledger))
    engine.dispose()
    return pstats.Stats(profile)


def report(title: str, stats: pstats.Stats, options: argparse.Namespace) -> None:
    """Print the first functions, without machine paths, and how many calls there were for one request."""
    calls = stats.total_calls / options.requests  # type: ignore[attr-defined]
    stats.stream = text = io.StringIO()  # type: ignore[attr-defined]
    stats.sort_stats("tottime").print_stats(options.lines)
    table = text.getvalue().partition("   ncalls")[2]
    print(f"{title}, {options.ca_key_type} CA: {calls:.0f} function calls for one request\n\n   ncalls", end="")
    print(re.sub(r"/\S*/(?:site-packages/|lib/python3\.\d+/|(?=pkid/|bench/))", "", table).rstrip(), end="\n\n\n")


if __name__ == "__main__":
    main()
