"""A login for the tests of proofs, and the ways in which a relay's other side differs from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from twisted.internet.defer import execute, succeed

from pkid.auth.component_keyring import MemoryKeyring
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Transcript
from pkid.auth.unbound import Surroundings
from pkid.ca.names import DEFAULT_TRUST_DOMAIN, TrustDomain

__all__ = ["CLIENT_NONCE", "EXPORTER", "OFFERS", "SERVER_NONCE", "differing", "outcome", "surroundings", "transcript"]

T = TypeVar("T")

SERVER_NONCE = bytes(range(32))
CLIENT_NONCE = bytes(range(32, 64))
EXPORTER = b"E" * 32
OFFERS = tuple(scheme.value for scheme in Scheme)


def transcript(scheme: Scheme, *, bound: bool = True) -> Transcript:
    """Return the transcript of alice's login at core.example."""
    binding = (BindingType.TLS_EXPORTER, EXPORTER) if bound else (BindingType.NONE, b"")
    return Transcript("core.example", SERVER_NONCE, CLIENT_NONCE, "alice", OFFERS, scheme.value, *binding)


def differing(login: Transcript) -> Iterator[tuple[str, Transcript]]:
    """Yield what else the other end may have seen, and a word for it."""
    yield "other connection", replace(login, binding=b"F" * 32)
    yield "unbound", replace(login, binding_type=BindingType.NONE, binding=b"")
    yield "stripped offers", replace(login, offers=(login.chosen,))
    yield "reordered offers", replace(login, offers=login.offers[::-1])
    yield "other core", replace(login, server="core.example.evil")
    yield "other challenge", replace(login, server_nonce=b"s" * 32)
    yield "other client nonce", replace(login, client_nonce=b"c" * 32)
    yield "other name", replace(login, component="bob")


def surroundings(now: float | Callable[[], float], **given: Any) -> Surroundings:
    """Return what a core gives to its checkers: nothing but an empty keyring, unless it is given."""
    read = now if callable(now) else lambda: now
    nothing = {
        "psks": Keyring([], read),
        "derivation": KeyDerivation(lambda work: execute(work), workers=1),
        "store": MemoryKeyring(),
        "open_directory": lambda _: MemoryKeyring(),
        "trust_domain": TrustDomain(DEFAULT_TRUST_DOMAIN),
        "find_entry": lambda _: succeed(None),
        "is_ours": lambda _: True,
        "has_rights": lambda _: False,
        "now": read,
        "monotonic": read,
    }
    return Surroundings(**{**nothing, **given})


def outcome(work: Awaitable[T]) -> T:
    """Return what comes of work that waits for nothing; raise what it raises."""
    try:
        next(work.__await__())
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")
