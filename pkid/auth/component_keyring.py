"""What the core has stored to know components by: public keys, SCRAM verifiers, shared secrets; several for a name."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from pkid.auth.plain import plain_scheme_of
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.signatures import scheme_of
from pkid.ca.keys import PublicKey, check_key
from pkid.ca.names import is_component
from pkid.errors import Reason, Refused

__all__ = [
    "ComponentKeyring",
    "Material",
    "MemoryKeyring",
    "SharedSecret",
    "StoredCredential",
]

_MOST_FOR_A_NAME = 8
"""Credentials of one name: a proof may be tried by each of them."""


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A secret that the core knows itself, because its client can do nothing but the plain form."""

    secret: str = field(repr=False)


Material = PublicKey | ScramVerifier | SharedSecret


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """One way for a component to prove its name.

    :ivar identifier: what it is called when it is revoked or noted in the log; no other credential has the same.
    :ivar expires: from when on it proves nothing, aware UTC; ``None`` for no end.
    :ivar last_used: when it last proved its name, aware UTC.
    :ivar created: when it was stored, aware UTC; ``None`` until then.
    :ivar created_by: who stored it, as the trail is to tell.
    """

    identifier: str
    component: str
    material: Material = field(repr=False)
    expires: datetime | None = None
    last_used: datetime | None = field(default=None, compare=False)
    created: datetime | None = field(default=None, compare=False)
    created_by: str = field(default="", compare=False)

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """The schemes that go with what is stored, the best first."""
        match self.material:
            case SharedSecret():
                return (Scheme.PLAIN_SECRET,)
            case ScramVerifier():
                return (Scheme.SCRAM_PLUS, Scheme.SCRAM)
            case key:
                plain = plain_scheme_of(key)
                return (scheme_of(key), plain) if plain is not None else (scheme_of(key),)

    @property
    def is_recoverable(self) -> bool:
        """Whether a copy of the keyring is enough to log in by it."""
        return isinstance(self.material, SharedSecret)

    def is_active(self, now: float) -> bool:
        """Tell whether it proves anything at a time, in seconds since the epoch."""
        return self.expires is None or now < self.expires.timestamp()


class ComponentKeyring(Protocol):
    """Stored credentials, wherever they are."""

    def find(self, component: str, /) -> Awaitable[Sequence[StoredCredential]]:
        """Return the credentials of a name, the newest first; expired ones too, because they still reserve the name."""

    def add(self, credential: StoredCredential, /) -> Awaitable[None]:
        """Store a credential.

        :raises Refused: ``bad-name``, ``weak-key``, or ``limit`` when the name has too many.
        """

    def revoke(self, identifier: str, /) -> Awaitable[bool]:
        """Forget a credential, and tell whether there was one."""

    def list(self) -> Awaitable[Sequence[StoredCredential]]:
        """Return all credentials, by name."""

    def note_use(self, identifier: str, at: datetime, /) -> Awaitable[None]:
        """Note when a credential last proved its name."""


class MemoryKeyring:
    """A keyring that forgets everything when the core ends."""

    def __init__(self) -> None:
        self._components: dict[str, str] = {}  # by identifiers
        self._credentials: dict[str, dict[str, StoredCredential]] = {}  # by names, then by identifiers

    async def find(self, component: str) -> Sequence[StoredCredential]:
        """Return the credentials of a name, the newest first."""
        return list(reversed(self._credentials.get(component, {}).values()))

    async def add(self, credential: StoredCredential) -> None:
        """Store a credential.

        :raises Refused: ``bad-name``, ``weak-key``, or ``limit`` when the name has too many.
        :raises ValueError: when there is one of the same identifier.
        """
        self.check(credential)
        self.put(credential)

    def check(self, credential: StoredCredential) -> None:
        """Check that a credential may be added; raises what :meth:`add` raises."""
        if not is_component(credential.component):
            raise Refused(Reason.BAD_NAME, ascii(credential.component[:140]))
        if not isinstance(credential.material, ScramVerifier | SharedSecret):
            check_key(credential.material)
        if len(self._credentials.get(credential.component, ())) >= _MOST_FOR_A_NAME:
            raise Refused(Reason.LIMIT, f"{_MOST_FOR_A_NAME} credentials for {credential.component}")
        if credential.identifier in self._components:
            raise ValueError(f"there is a credential {credential.identifier}")

    def get(self, identifier: str) -> StoredCredential | None:
        """Return one credential, if it is there."""
        return self._credentials.get(self._components.get(identifier, ""), {}).get(identifier)

    def put(self, credential: StoredCredential) -> None:
        """Have a credential that was checked before, in place of one of the same identifier."""
        self._components[credential.identifier] = credential.component
        self._credentials.setdefault(credential.component, {})[credential.identifier] = credential

    async def revoke(self, identifier: str) -> bool:
        """Forget a credential, and tell whether there was one."""
        component = self._components.pop(identifier, None)
        if component is None:
            return False
        del self._credentials[component][identifier]
        if not self._credentials[component]:
            del self._credentials[component]
        return True

    async def list(self) -> Sequence[StoredCredential]:
        """Return all credentials, by name."""
        return [each for _, named in sorted(self._credentials.items()) for each in named.values()]

    async def note_use(self, identifier: str, at: datetime) -> None:
        """Note when a credential last proved its name."""
        credential = self.get(identifier)
        if credential is not None:
            self.put(replace(credential, last_used=at))
