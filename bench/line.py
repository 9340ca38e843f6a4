"""Measure the line door of a core that runs elsewhere: messages and calls a second, over TLS.

    .venv/bin/python bench/line.py --host HOST --ca ca.crt --psk-file psk [--port 8910] [--seconds 4]

`make bench ARGS=line_door` measures one on this machine, beside others, with the same load.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).parents[1])

from bench.suite.brokers import Broker
from bench.suite.calls import calls_per_second
from bench.suite.dialects.line import LineDialect
from bench.suite.fan_out import FanOut, deliveries_per_second
from bench.suite.measurement import Sample
from pkid.auth.own_credential import OwnPreSharedKey


def main() -> None:
    """Measure, and print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=8910, help="of its line door")
    parser.add_argument("--ca", required=True, help="the file with its CA certificate")
    parser.add_argument("--psk-file", type=Path, required=True, help="the file with its pre-shared key")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each case")
    options = parser.parse_args()
    own = OwnPreSharedKey.derive("default", options.psk_file.read_text().strip(), os.urandom(16))
    broker = Broker(LineDialect(options.port, options.ca, own, options.host), ())
    for batch, how in ((64, "in batches"), (1, "one for each write")):
        for subscribers in (1, 10, 100):
            load = FanOut(subscribers=subscribers, batch=batch)
            report(f"messages 1 to {subscribers}, {how}", deliveries_per_second(broker, load, options.seconds))
    for flight in (1, 32):
        report(f"calls, {flight} at a time", calls_per_second(broker, flight, options.seconds))


def report(case: str, found: Sample) -> None:
    """Print what it came to, but for what the generators of load used."""
    figures = (f"{value:,.2f} {name}" for name, value in found.items() if not name.endswith("%"))
    print(f"{case:40} {', '.join(figures)}", flush=True)


if __name__ == "__main__":
    main()
