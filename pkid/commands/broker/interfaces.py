"""What the commands ask of the broker's service and of those who keep keys."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pkid.auth.component_keyring import Material, StoredCredential
from pkid.broker.changes import Change
from pkid.broker.commands import View
from pkid.broker.rights import Rights

__all__ = ["Approached", "Brokerage", "Connected", "Holdings", "OneTimePins", "Registrar", "StoredKeys", "Tenants"]


class Approached(Protocol):
    """How a client came."""

    @property
    def door(self) -> str:
        """The door's name."""

    @property
    def peer(self) -> str:
        """The address that it came from."""


class Connected(Protocol):
    """What the core knows of a connection beside its session."""

    @property
    def number(self) -> int:
        """The session's number."""

    @property
    def credential(self) -> str:
        """By what the name was proven, as ``kind:name``; empty if it was not."""

    @property
    def approach(self) -> Approached:
        """How the client came."""


class Brokerage(Protocol):
    """The broker at work."""

    @property
    def rights(self) -> Rights:
        """Who may do what; not to be changed but by :meth:`change`."""

    def look(self, view: View, /) -> tuple[object, ...]:
        """Return an overview of sessions, topics or rights."""

    def connections(self) -> Iterable[Connected]:
        """Return what the core knows of each connection whose session is not closed."""

    def change(self, change: Change, by: str, /) -> Awaitable[None]:
        """Change the rights, durably; fails with :class:`~pkid.errors.Unavailable`: then nothing has changed.

        :param by: the credential of whoever wants it.
        """

    def kick(self, who: str | int, /) -> int:
        """End the sessions of a component, or the session of a number, and return how many those were."""

    def revoke(self, credential: str, /) -> int:
        """End the sessions that were opened by a credential, as ``kind:name``; return how many those were."""

    def reserve(self, component: str, /) -> None:
        """End the sessions under a name by proofs that would not do now that it has a key of its own."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What directories of keys hold, which others keep.

    :ivar credentials: of components; one with an end cannot be used, and keeps its name from being anybody's.
    :ivar tenants: the tenants, each with its PIN.
    :ivar changes: what leads to the rights that they give.
    """

    credentials: tuple[StoredCredential, ...] = ()
    tenants: Mapping[str, str] = field(default_factory=dict, repr=False)
    changes: tuple[Change, ...] = ()


class Registrar(Protocol):
    """Puts credentials of components into the core's own keyring."""

    def add(
        self, component: str, material: Material, expires: datetime | None, by: str, /
    ) -> Awaitable[StoredCredential]:
        """Store a credential that an admin gave.

        :param by: whose word that is, for the trail.
        :raises Refused: ``bad-name``, ``weak-key`` or ``limit``.
        """


class StoredKeys(Protocol):
    """The core's own keyring."""

    def list(self) -> Awaitable[Sequence[StoredCredential]]:
        """Return all credentials, by name."""

    def revoke(self, identifier: str, by: str, /) -> Awaitable[bool]:
        """Forget a credential, and tell whether there was one.

        :param by: who wants it, for the trail.
        """


class Tenants(Protocol):
    """The tenants that are declared by admins."""

    def declare(self, name: str, pin: str | None, by: str, /) -> Awaitable[None]:
        """Declare a tenant, or give it another PIN.

        :raises Refused: ``bad-name``.
        """

    def withdraw(self, name: str, by: str, /) -> Awaitable[bool]:
        """Have a tenant no longer, and tell whether there was one."""


class OneTimePins(Protocol):
    """Makes PINs by which a component registers a key by itself, once."""

    def issue(self, component: str, lifetime: timedelta, by: str, /) -> Awaitable[str]:
        """Return a new PIN for a name; the one before is good for nothing then.

        :param by: who hands it out, for the trail.
        """
