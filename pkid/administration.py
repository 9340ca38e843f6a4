"""What an operator may do about the broker: its commands, and what a search finds of it, put together for one core."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from pkid.auth.derivation import Offload
from pkid.commands.broker.importing import import_command
from pkid.commands.broker.interfaces import Holdings, StoredKeys
from pkid.commands.broker.keys import Keys, key_commands
from pkid.commands.broker.kinds import broker_sources
from pkid.commands.broker.rights import rights_commands
from pkid.commands.broker.sessions import kick
from pkid.commands.broker.tenants import tenant_commands
from pkid.commands.broker.views import view_commands
from pkid.commands.command import Command
from pkid.inventory.inventory import Inventory
from pkid.inventory.source import Source
from pkid.keydir.lists import Lists, changes_between
from pkid.messaging.service import BrokerService
from pkid.proving import Proving

__all__ = ["Administration"]


class Administration:
    """The broker as commands see it.

    :param keyring: the core's own.
    :param offload: derives verifiers of secrets.
    :param now: gives the time, aware UTC.
    """

    def __init__(
        self,
        service: BrokerService,
        keyring: StoredKeys,
        proving: Proving,
        offload: Offload,
        now: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._proving = proving
        self._keys = Keys(
            broker=service, keyring=keyring, registrar=proving.registrar, pins=proving.pins, offload=offload, now=now,
            random=os.urandom,
        )  # fmt: skip

    @property
    def sources(self) -> list[Source]:
        """What a search finds of the broker."""
        return broker_sources(self._service, self._keys.keyring)

    def commands(self, inventory: Inventory) -> list[Command]:
        """Return the broker's commands.

        :param inventory: has the sources.
        """
        tenants, tenancy = self._proving.tenants, self._proving.tenancy
        return [
            *view_commands(self._service, inventory),
            *rights_commands(self._service),
            *key_commands(self._keys, inventory),
            *tenant_commands(tenancy, lambda: tenants.names, os.urandom),
            import_command(self._holdings, self._service, self._proving.registrar, self._keys.keyring, tenancy),
            kick(self._service),
        ]

    def _holdings(self) -> Holdings:
        directories = self._proving.directories
        return Holdings(
            tuple(credential for each in directories for credential in each.credentials),
            {name: pin.text for each in directories for name, pin in each.lists.tenants.items()},
            tuple(change for each in directories for change in changes_between(Lists(), each.lists)),
        )
