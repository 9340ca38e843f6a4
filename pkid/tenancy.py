"""The tenants that an admin declares: in the store, with their PINs as nobody can read them, and in service."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Mapping
from typing import Protocol

from pkid.auth.derivation import Offload
from pkid.auth.pins import HashedPin, Pin, check_pin
from pkid.auth.tenants import DeclaredTenants
from pkid.ca.names import is_component
from pkid.errors import Reason, Refused, StateError, Unusable

__all__ = ["Tenancy", "TenantStore"]

_SALT_SIZE = 16  # bytes
_SOURCE = "store"


class TenantStore(Protocol):
    """A place that keeps tenants, each with what its PIN is checked against, if it has one."""

    def all_now(self) -> Mapping[str, bytes | None]:
        """Return them; blocks, for use before the reactor runs."""

    def declare(self, name: str, pin: bytes | None, by: str, /) -> Awaitable[None]:
        """Keep a tenant, in place of one of the same name."""

    def withdraw(self, name: str, by: str, /) -> Awaitable[bool]:
        """Forget a tenant, and tell whether there was one."""


class Tenancy:
    """Declares tenants and withdraws them.

    :param offload: where PINs are hashed.
    """

    def __init__(self, store: TenantStore, tenants: DeclaredTenants, offload: Offload) -> None:
        self._store = store
        self._tenants = tenants
        self._offload = offload
        self._stored: dict[str, Pin | None] = {}

    def load(self) -> None:
        """Have the stored tenants in service; blocks, for use before the reactor runs.

        :raises StateError: when a PIN cannot be read.
        """
        for name, stored in self._store.all_now().items():
            try:
                self._stored[name] = None if stored is None else HashedPin.decode(stored)
            except Unusable as error:
                raise StateError(f"the tenant {name}", error.problem, error.remedy) from None
        self._tenants.exchange(_SOURCE, self._stored)

    async def declare(self, name: str, pin: str | None, by: str) -> None:
        """Declare a tenant, or give it another PIN; it counts once it is committed.

        :param name: the default tenant, ``.``, may be given a PIN like any other.
        :param pin: ``None`` where nobody is to register keys by one.
        :param by: who wants it, as the trail is to tell.
        :raises Refused: ``bad-name``.
        :raises Unusable: when the PIN is none.
        :raises Unavailable: ``store`` when it cannot be committed.
        """
        if name != self._tenants.default and not is_component(name):
            raise Refused(Reason.BAD_NAME, ascii(name[:140]))
        hashed = None
        if pin is not None:
            check_pin(pin)
            salt = os.urandom(_SALT_SIZE)
            hashed = await self._offload(lambda: HashedPin.make(pin, salt))
        await self._store.declare(name, None if hashed is None else hashed.encode(), by)
        self._stored[name] = hashed
        self._tenants.exchange(_SOURCE, self._stored)

    async def withdraw(self, name: str, by: str) -> bool:
        """Have a tenant no longer once that is committed, and tell whether the store had it.

        :raises Unavailable: ``store`` when it cannot be committed.
        """
        was_there = await self._store.withdraw(name, by)
        self._stored.pop(name, None)
        self._tenants.exchange(_SOURCE, self._stored)
        return was_there
