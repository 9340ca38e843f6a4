"""How many certificates a core signs and records durably, per second of its processor time and of the clock.

Starts a core of its own, sends RSA-2048 requests over kept TLS connections with one token, and compares with the
limit of one process: verifying the same requests and signing them, without HTTP, ledger or TLS.

    .venv/bin/python bench/sign.py [--ca-key-type p256] [--requests 3000] [--connections 16]
"""

from __future__ import annotations

import argparse
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from itertools import repeat

from core import running_core
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.enrollment import Enrollment
from pkid.ca.issuer import make_root
from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain
from pkid.ca.profile import Profile
from pkid.ca.request import read_request


def main() -> None:
    """Measure, and print one line for the limit and one for the core."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ca-key-type", default="p256", choices=[kind.value for kind in KeyType])
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    key = KeyType.RSA2048.generate()
    bodies = [Enrollment.of(key, f"c{number}.example", (), ()).request() for number in range(options.requests)]
    limit = raw_limit(KeyType(options.ca_key_type), bodies)
    print(f"limit: verify and sign, one process: {limit:.0f}/cpu-s")
    per_cpu, per_second, latencies = measure(options, bodies)
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    print(
        f"core: {per_cpu:.0f}/cpu-s = {per_cpu / limit:.2f} of the limit, {per_second:.0f}/s with the load beside it, "
        f"p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"
    )


def raw_limit(kind: KeyType, bodies: list[bytes]) -> float:
    """Return how many of the requests one process verifies and signs in a second of processor time."""
    now = datetime.now(UTC)
    issuer = make_root(kind.generate(), now, x509.random_serial_number())
    profile = Profile(TrustDomain(DEFAULT_TRUST_DOMAIN), timedelta(days=365), issuer.key.public_key())
    started = time.process_time()
    for body in bodies:
        approved = profile.check(read_request(body))
        issuer.sign(approved, now, x509.random_serial_number()).public_bytes(Encoding.PEM)
    return len(bodies) / (time.process_time() - started)


def measure(options: argparse.Namespace, bodies: list[bytes]) -> tuple[float, float, list[float]]:
    """Return certificates per processor second and per second, and the sorted latencies in seconds."""
    with running_core("--ca-key-type", options.ca_key_type) as core:
        headers = {"Authorization": f"Bearer {core.token()}"}
        context = ssl.create_default_context(cafile=core.authority)
        waiting = iter(bodies)
        before, started = core.processor_seconds(), time.monotonic()
        with ThreadPoolExecutor(options.connections) as pool:
            shares = pool.map(
                sign_all, repeat(waiting, options.connections), repeat(core.port), repeat(context), repeat(headers)
            )
            latencies = sorted(latency for share in shares for latency in share)
        elapsed, used = time.monotonic() - started, core.processor_seconds() - before
    return len(bodies) / used, len(bodies) / elapsed, latencies


def sign_all(waiting: Iterator[bytes], port: int, context: ssl.SSLContext, headers: dict[str, str]) -> list[float]:
    """Send requests from a shared supply over one connection; return how long each took, in seconds."""
    connection = HTTPSConnection("localhost", port, context=context, timeout=60)
    latencies = []
    for body in waiting:
        started = time.monotonic()
        connection.request("POST", "/ca/sign", body, headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"the core answered {response.status}")
        latencies.append(time.monotonic() - started)
    connection.close()
    return latencies


if __name__ == "__main__":
    main()
