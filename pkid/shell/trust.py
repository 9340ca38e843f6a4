"""Which key to use, and which core to trust, before anything is sent.

Without a key, a certificate or a fingerprint, nothing vouches for the core, and it is not asked at all.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.answers import certificates, succeeded
from pkid.ca.chain import UNREADABLE
from pkid.ca.trust import UnfitAuthority, check_authority, fingerprint, same_fingerprint
from pkid.client import Client, FingerprintMismatch
from pkid.errors import StateError
from pkid.exchange import Request, exchange, unverified_context, verified_context
from pkid.files import read_private
from pkid.origin import Origin
from pkid.settings.certificates import PairFiles
from pkid.shell.core import Core
from pkid.shell.doctor.network import doors
from pkid.shell.exits import Exit, ShellError
from pkid.shell.options import Options, default_state

__all__ = ["is_on_this_machine", "located", "trusted_core"]

_LARGEST_KEY = 4096  # bytes
_LARGEST_FILE = 4 << 20  # bytes


def trusted_core(options: Options) -> Core:
    """Find the key and begin to trust; that asks the core for its CA certificate, unless a file has it.

    :raises ShellError: when there is neither a key nor anything to trust.
    :raises TrustError: when what answers is not to be trusted.
    :raises CoreError: when the core cannot be asked.
    :raises StateError: when a file cannot be used.
    """
    state = _state(options)
    psk = _psk(options, state)
    context = _context(options, psk, state)
    _show(context, options.own)
    return Core(options.core, context, psk, options.timeout)


def located(options: Options) -> Options:
    """Find the core where its state directory says that it listens, unless somebody said where it is.

    :raises ShellError: when a directory is named that no core runs with.
    """
    state = _state(options)
    if options.core_given or state is None:
        return options
    try:
        listed = (state / "addresses").read_bytes().decode("utf-8", "replace")
        origin = next((door.origin for door in doors(listed) if door.origin is not None), None)
    except FileNotFoundError:
        if options.state is None or not os.path.isdir(state):
            return options
        problem = f"no core runs with {state}; start it, or say with --core where one is"
        raise ShellError(problem, Exit.UNREACHABLE) from None
    except (OSError, ValueError):  # whoever reads the key says why, or what stands there is no address
        return options
    if origin is None:
        return options
    named = options.state if is_on_this_machine(origin) else state
    return replace(options, core=replace(origin, scheme=options.core.scheme), state=named)


def is_on_this_machine(origin: Origin) -> bool:
    """Tell whether an address is a loopback one; a name other than ``localhost`` may be anybody's."""
    try:
        return ipaddress.ip_address(origin.host).is_loopback
    except ValueError:
        return origin.host == "localhost"


def _state(options: Options) -> Path | None:
    """Return the state directory that may be looked at: never this machine's for a core that is elsewhere."""
    if options.state is not None:
        return options.state
    return default_state(os.environ) if is_on_this_machine(options.core) else None


def _psk(options: Options, state: Path | None) -> str:
    if options.psk is not None:
        return options.psk
    if options.psk_file is not None:
        return _key_in(_read(options.psk_file), options.psk_file)
    if options.state is not None and not os.path.isdir(options.state):  # unlike Path.is_dir, whatever its parents are
        raise StateError(options.state, "is no directory", "give the state directory of a core on this machine")
    try:
        content = read_private(state / "psk", _owner(state)) if state is not None else None
    except StateError:
        if options.state is not None:
            raise
        return ""
    return "" if content is None or state is None else _key_in(content, state / "psk")


def _owner(state: Path) -> int | None:
    """Return whom root takes for the core's user: the owner of its state directory."""
    return os.stat(state).st_uid if os.geteuid() == 0 and os.path.isdir(state) else None


def _key_in(content: bytes, path: Path) -> str:
    try:
        psk = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        psk = ""
    if not psk or not psk.isprintable() or len(content) > _LARGEST_KEY:
        raise StateError(path, "holds no pre-shared key", "write the key into it, one line of text")
    return psk


def _context(options: Options, psk: str, state: Path | None) -> ssl.SSLContext:
    if options.core.scheme == "http":
        return unverified_context()  # there is no TLS; what is sent is proved, and nothing is secret
    if options.ca_cert is not None:
        return verified_context(*_authorities(options.ca_cert))
    if options.ca_fingerprint is not None:
        return verified_context(_recognised(options, options.ca_fingerprint))
    if psk:
        return verified_context(Client(str(options.core), psk, options.timeout, attempts=1).ca_cert())
    if state is not None and (state / "ca.crt").exists():
        return verified_context(*_authorities(state / "ca.crt"))
    raise ShellError(
        f"nothing vouches for {options.core}: give its pre-shared key with --psk-file,"
        " or its CA with --ca-cert or --ca-fingerprint",
        Exit.UNAUTHENTICATED,
    )


def _show(context: ssl.SSLContext, own: PairFiles) -> None:
    """Have a context show the certificate that is given, if one is."""
    if own.certificate is None:
        return
    try:  # an empty passphrase, because without one the user would be asked in the middle of something else
        context.load_cert_chain(own.certificate, own.key, own.passphrase or "")
    except ssl.SSLError:
        remedy = "see that it and --cert-key are a pair in PEM, and give --cert-key-pass-file for a key that needs it"
        raise StateError(own.certificate, "cannot be shown", remedy) from None
    except OSError as error:
        problem = f"and its key {own.key} cannot be read ({error.strerror})"
        raise StateError(own.certificate, problem, "give readable files") from None


def _authorities(path: Path) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(_read(path))
    except UNREADABLE:
        found = []
    fit = list(filter(_is_fit, found))
    if not fit:
        raise StateError(path, "holds no CA certificate that is valid now", "give the core's, which /ca/cert has")
    return fit


def _is_fit(certificate: x509.Certificate) -> bool:
    try:
        check_authority(certificate, datetime.now(UTC))
    except UnfitAuthority:
        return False
    return True


def _recognised(options: Options, wanted: str) -> x509.Certificate:
    """Fetch the CA certificate over whatever connection, and return it if it has the fingerprint."""
    answer = exchange(options.core, Request("GET", options.core.at("/ca/cert")), unverified_context(), options.timeout)
    (certificate, *_) = certificates(succeeded(answer))
    if not same_fingerprint(fingerprint(certificate.public_bytes(Encoding.DER)), wanted):
        raise FingerprintMismatch(f"{options.core} has another CA certificate than the one with this fingerprint")
    check_authority(certificate, datetime.now(UTC))
    return certificate


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        raise StateError(path, f"cannot be read ({error.strerror})", "give the name of a readable file") from None
