"""The keyring of such a directory: what was read last, and nothing that can be changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pkid.auth.component_keyring import StoredCredential
from pkid.errors import Reason, Refused

__all__ = ["DirectoryKeyring"]


class DirectoryKeyring:
    """A :class:`~pkid.auth.component_keyring.ComponentKeyring` that the files alone change."""

    def __init__(self) -> None:
        self._credentials: Mapping[str, tuple[StoredCredential, ...]] = {}
        self._last_used: dict[str, datetime] = {}

    def exchange(self, credentials: Mapping[str, tuple[StoredCredential, ...]]) -> None:
        """Have these credentials from now on, by component, and no others."""
        self._credentials = credentials
        known = {credential.identifier for found in credentials.values() for credential in found}
        self._last_used = {name: at for name, at in self._last_used.items() if name in known}

    async def find(self, component: str) -> Sequence[StoredCredential]:
        """Return the credentials of a name, the newest first."""
        return [self._with_use(credential) for credential in self._credentials.get(component, ())]

    async def add(self, credential: StoredCredential) -> None:
        """Refuse.

        :raises Refused: always; who keeps the files adds one.
        """
        raise Refused(Reason.KEPT_ELSEWHERE, credential.component)

    async def revoke(self, identifier: str) -> bool:
        """Forget nothing."""
        return False

    async def list(self) -> Sequence[StoredCredential]:
        """Return all credentials, by name."""
        return [self._with_use(each) for name in sorted(self._credentials) for each in self._credentials[name]]

    async def note_use(self, identifier: str, at: datetime) -> None:
        """Note when a credential last proved its name, until the core ends."""
        self._last_used[identifier] = at

    def _with_use(self, credential: StoredCredential) -> StoredCredential:
        return replace(credential, last_used=self._last_used.get(credential.identifier))
