"""``POST /ca/sign`` by a client that keeps its salt, for two kinds of CA: the way of pkid's own components."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path as File
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from bench.core import running_core
from bench.suite.bare_signer import BareSigner
from bench.suite.bystander import beside
from bench.suite.load import Target, request, requests_per_second
from bench.suite.measurement import WARM_UP, Contestant, Mark, Measure, Path, Role, Sample, Scale
from bench.suite.peers.certificates import write_server_certificate
from bench.suite.peers.cfssl import running_cfssl, sign_request
from bench.suite.peers.openbao import running_openbao
from bench.suite.processes import apart, free_port, serving
from bench.suite.supply import CertificateRequests
from pkid.ca.keys import KeyType

__all__ = ["paths"]

_MOST = 3000  # certificates per second: more than this nobody signs here
_LIMIT = "one thread: verify, build, sign"
_BARE = "bare twisted.web: verify, build, sign"
_RAW = "one thread: RSA-2048 signatures"
_NOTE = """\
Everybody answers over TLS, on 16 connections (cfssl with its store on one: with more it answers fewer), beside a
bystander who pings, when the certificate is stored durably: pkid in SQLite, write-ahead log, `synchronous=FULL`;
OpenBao in raft; cfssl in SQLite as its driver opens it, with a rollback journal. Asked for one after the other, a
certificate costs pkid one `fdatasync`, OpenBao four and cfssl three, by `strace`; of those that are asked for at once,
pkid and OpenBao commit several together. "Not stored" keeps nothing, and pkid has no such mode.""".replace("\n", " ")


def paths(scale: Scale) -> Iterable[Path]:
    """Return one path for each kind of CA; a quick look has the peers in the first alone."""
    known = CertificateRequests().take(int(_MOST * scale.seconds))
    others, raw = _contestants(KeyType.RSA2048, known), Contestant(_RAW, _raw_signatures, Role.LIMIT)
    yield Path(
        "POST /ca/sign, known salt, P-256 CA",
        "requests/s",
        _contestants(KeyType.P256, known),
        (
            Mark("pkid", "requests/s", "OpenBao, stored", at_least=4),
            Mark("pkid", "requests/s", "cfssl, stored", at_least=5),
            Mark("pkid", "requests/cpu-s", _LIMIT, at_least=0.5),
            Mark("pkid", "requests/cpu-s", _BARE),
            Mark("pkid", "ping p99 ms", at_most=10),
        ),
        note=_NOTE,
        warm_up=WARM_UP,
    )
    yield Path(
        "POST /ca/sign, known salt, RSA-2048 CA",
        "requests/s",
        (*[each for each in others if not (scale.is_quick and each.role is Role.PEER)], raw),
        (
            Mark("pkid", "requests/s", "OpenBao, stored", at_least=3),
            Mark("pkid", "requests/s", "cfssl, not stored", at_least=1.2),
            Mark("pkid", "requests/cpu-s", _RAW, at_least=0.33),
            Mark("pkid", "requests/cpu-s", _BARE),
            Mark("pkid", "ping p99 ms", at_most=10),
        ),
        note=_NOTE,
        warm_up=WARM_UP,
    )


def _contestants(kind: KeyType, known: list[bytes]) -> tuple[Contestant, ...]:
    return (
        Contestant("pkid", partial(_pkid, kind)),
        Contestant("OpenBao, stored", partial(_openbao, kind, known), Role.PEER),
        Contestant("cfssl, stored", partial(_cfssl, kind, known, True), Role.PEER),
        Contestant("cfssl, not stored", partial(_cfssl, kind, known, False), Role.PEER),
        Contestant(_LIMIT, partial(_one_thread, kind, known), Role.LIMIT),
        Contestant(_BARE, partial(_bare_web, kind, known), Role.LIMIT),
    )


@contextmanager
def _pkid(kind: KeyType) -> Iterator[Measure]:
    """Send requests that it has not seen, because it would answer a repeated one from its ledger."""
    supply = CertificateRequests()
    with running_core("--ca-key-type", kind.value) as core:
        token = core.token()

        def measure(seconds: float) -> Sample:
            bodies = supply.take(int(_MOST * seconds))
            requests = [request("POST", "/ca/sign", body, Authorization=f"Bearer {token}") for body in bodies]
            return _send(Target(core.port, core.pid), "/system/ping", requests, seconds)

        yield measure


def _send(target: Target, ping: str, requests: list[bytes], seconds: float) -> Sample:
    return beside(target.port, ping, seconds, partial(requests_per_second, target, requests, seconds))


@contextmanager
def _openbao(kind: KeyType, known: list[bytes]) -> Iterator[Measure]:
    with running_openbao(kind) as peer:
        requests = [peer.sign_request(body) for body in known]
        yield partial(_send, peer.target, "/v1/sys/health", requests)


@contextmanager
def _cfssl(kind: KeyType, known: list[bytes], stored: bool) -> Iterator[Measure]:
    with running_cfssl(kind, stored=stored) as target:
        requests = [sign_request(body) for body in known]
        yield partial(_send, target, "/api/v1/cfssl/scaninfo", requests)


@contextmanager
def _one_thread(kind: KeyType, known: list[bytes]) -> Iterator[Measure]:
    """Do what cannot be left out, with the library alone: no checks, no ledger, no HTTP."""
    signer = BareSigner(kind)
    yield lambda seconds: apart(_as_fast_as_it_goes, signer.sign, known, seconds)


@contextmanager
def _bare_web(kind: KeyType, known: list[bytes]) -> Iterator[Measure]:
    """Do the same in a page of twisted.web over TLS: no checks, no ledger, no token."""
    script, port = File(__file__).parents[1] / "servers" / "bare_signer.py", free_port()
    requests = [request("POST", "/", body) for body in known]
    with TemporaryDirectory() as folder:
        certificate = write_server_certificate(File(folder))
        with serving([sys.executable, str(script), str(port), str(certificate), kind.value], port) as pid:
            yield partial(_send, Target(port, pid), "/", requests)


@contextmanager
def _raw_signatures() -> Iterator[Measure]:
    key, message = rsa.generate_private_key(65537, 2048), b"x" * 1000
    yield lambda seconds: apart(
        _as_fast_as_it_goes, lambda _: key.sign(message, PKCS1v15(), hashes.SHA256()), [b""] * 100, seconds
    )


def _as_fast_as_it_goes(work: Callable[[bytes], object], items: list[bytes], seconds: float) -> Sample:
    began, used, done = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        work(items[done % len(items)])
        done += 1
    return {
        "requests/s": done / (time.perf_counter() - began),
        "requests/cpu-s": done / (time.process_time() - used),
    }
