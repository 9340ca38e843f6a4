"""What a proof of the broker's login covers, as one unambiguous sequence of bytes.

A proof is good for one connection, one name and one choice among what was offered, because all of these are in the
transcript. Knows nothing of keys, and nothing of TLS but the value that binds a proof to its connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from struct import Struct

from pkid.errors import Reason, Refused

__all__ = ["NONCE_SIZE", "BindingType", "Channel", "Prover", "Transcript"]

NONCE_SIZE = 32
"""Bytes of each side's nonce."""

_LABEL = b"pkid broker login"
_VERSION = b"1"
_EXPORTER_SIZE = 32  # bytes: RFC 9266, section 2
_number = Struct(">I").pack
_NONCE_LENGTH = _number(NONCE_SIZE)


class Prover(Enum):
    """Who proves something, so that nobody's proof can be sent back to it as the other's."""

    COMPONENT = "component"
    CORE = "core"

    __hash__ = object.__hash__  # there is one of each; an Enum's own is a call of Python


class BindingType(Enum):
    """What ties a proof to its connection, by the names of the IANA registry of channel bindings."""

    NONE = ""
    TLS_EXPORTER = "tls-exporter"

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Channel:
    """The connection that a login comes by, as one of its ends sees it.

    :ivar encrypted: whether it is a TLS connection.
    :ivar exporter: 32 bytes of keying material, label ``EXPORTER-Channel-Binding``, no context (RFC 9266, section 2);
        only for TLS 1.3, ``None`` otherwise.
    :ivar unbound_allowed: whether a proof may do without a binding on TLS, too.
    """

    encrypted: bool
    exporter: bytes | None = field(default=None, repr=False)
    unbound_allowed: bool = False

    def __post_init__(self) -> None:
        if self.exporter is not None and len(self.exporter) != _EXPORTER_SIZE:
            raise ValueError(f"a channel binding has {_EXPORTER_SIZE} bytes, not {len(self.exporter)}")

    @property
    def takes_unbound(self) -> bool:
        """Whether a proof may do without a binding here."""
        return self.unbound_allowed or not self.encrypted

    def binding(self, kind: BindingType) -> bytes:
        """Return the value that a proof with this kind of binding covers.

        :raises Refused: ``proof-failed`` when the connection has none, or when one is needed.
        """
        if kind is BindingType.TLS_EXPORTER and self.exporter is not None:
            return self.exporter
        if kind is BindingType.NONE and self.takes_unbound:
            return b""
        raise Refused(Reason.PROOF_FAILED)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One login, as far as it goes before the proof; both ends make it of what they themselves saw and sent.

    :ivar server: the core's name, by which the component knows it.
    :ivar offers: the names of the schemes that the core offered, in its order.
    :ivar chosen: the name of the one that the component took.
    """

    server: str
    server_nonce: bytes
    client_nonce: bytes
    component: str
    offers: tuple[str, ...]
    chosen: str
    binding_type: BindingType
    binding: bytes = field(repr=False)
    _beyond_prover: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not len(self.server_nonce) == len(self.client_nonce) == NONCE_SIZE:
            raise ValueError(f"a nonce has {NONCE_SIZE} bytes")
        parts = (
            _NONCE_LENGTH,
            self.server_nonce,
            _NONCE_LENGTH,
            self.client_nonce,
            _text(self.component),
            _choice(self.offers, self.chosen, self.binding_type),
            _field(self.binding),
        )
        object.__setattr__(self, "_beyond_prover", b"".join(parts))

    def encode(self, prover: Prover) -> bytes:
        """Return the bytes that a proof covers.

        Each field is preceded by its length, the list by the number of its members: 4 bytes, the first one the highest.
        """
        return _beginning(prover, self.server) + self._beyond_prover


@lru_cache(maxsize=8)
def _beginning(prover: Prover, server: str) -> bytes:
    return _field(_LABEL) + _field(_VERSION) + _text(prover.value) + _text(server)


@lru_cache(maxsize=64)  # a door offers a few lists, again and again
def _choice(offers: tuple[str, ...], chosen: str, binding_type: BindingType) -> bytes:
    return _number(len(offers)) + b"".join(map(_text, offers)) + _text(chosen) + _text(binding_type.value)


def _field(value: bytes) -> bytes:
    return _number(len(value)) + value


def _text(value: str) -> bytes:
    return _field(value.encode("utf-8"))
