"""The program ``openssl``, and the linter of pkilint, as tests use them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from tests.support import require, require_program

__all__ = ["extract_certificate", "lint", "openssl", "request_certificate", "verify"]

DEADLINE = timedelta(seconds=60)

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MISJUDGED = re.compile(
    rf"""pkix\.invalid_domain_name_syntax:\ .*"(?:{_LABEL}|\*(?:\.{_LABEL})+)"
    |    pkix\.invalid_uri_syntax:\ .*"spiffe://[a-z0-9._-]+(?:/[A-Za-z0-9._-]+)+"
    """,
    re.VERBOSE,
)


def openssl(*arguments: str | Path, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``openssl``; its output and its errors come as one text."""
    return _run([require_program("openssl"), *arguments], input)


def verify(authority: Path, certificate: Path, *options: str) -> str:
    """Check *certificate* against *authority* by the letter of RFC 5280; return the program's verdict."""
    return openssl("verify", "-x509_strict", *options, "-CAfile", authority, certificate).stdout


def request_certificate(path: Path, key: Iterable[str], subject: str, *names: str) -> Path:
    """Make a key beside *path*, and in *path* a request for *names* (``DNS:a.example``); return *path*."""
    extension = ("-addext", f"subjectAltName={','.join(names)}") if names else ()
    made = openssl(
        "req", "-new", "-nodes", *key, "-keyout", path.with_suffix(".key"), "-out", path, "-subj", subject, *extension
    )
    assert made.returncode == 0, made.stdout
    return path


def extract_certificate(text: str) -> str:
    """Return the first PEM certificate in *text*."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
    return begin + text.partition(begin)[2].partition(end)[0] + end


def lint(certificate: Path) -> list[str]:
    """Return what pkilint finds in *certificate* at severity WARNING and above.

    Left out is what it only believes to be wrong: a DNS name of one label (RFC 1034, 3.5 allows it; ``localhost`` is
    in every certificate of the originals) or with a wildcard (RFC 9525, 6.3), and SPIFFE's URIs, because it knows nine
    schemes (RFC 5280, 4.2.1.6 allows all).
    """
    program = Path(sys.executable).with_name("lint_pkix_cert")
    require(program.exists(), "pkilint")
    report = _run([program, "lint", "-s", "WARNING", "-f", "JSON", certificate]).stdout
    findings = (each for result in json.loads(report)["results"] for each in result["finding_descriptions"])
    texts = (f"{each['code']}: {each['message']}" for each in findings)
    return [each for each in texts if not _MISJUDGED.fullmatch(each)]


def _run(command: list[str | Path], input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE.total_seconds(),
    )
