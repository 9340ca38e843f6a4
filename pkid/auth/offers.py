"""Which names have credentials, and which schemes a name is offered for its proof."""

from __future__ import annotations

from collections.abc import Sequence

from pkid.auth.component_keyring import StoredCredential
from pkid.auth.decoys import Decoys
from pkid.auth.keyring_checkers import Find
from pkid.auth.schemes import Scheme

__all__ = ["Offers"]


class Offers:
    """Looks through all keyrings.

    :param finds: how each keyring finds the credentials of a name, in the order in which they are asked.
    :param beside: schemes that a name may use beside those of its own credentials.
    :param decoys: hides which names have a credential; for a core that serves proven names only.
    """

    def __init__(self, finds: Sequence[Find], beside: Sequence[Scheme] = (), decoys: Decoys | None = None) -> None:
        self._finds = tuple(finds)
        self._beside = tuple(beside)
        self._decoys = decoys

    async def find(self, component: str) -> Sequence[StoredCredential]:
        """Return the stored credentials of a name; expired ones too, because they still reserve it."""
        return [credential for find in self._finds for credential in await find(component)]

    async def find_decoy(self, component: str) -> Sequence[StoredCredential]:
        """Return the decoy of a name that has no credential; nothing for others, or where nothing is to be hidden."""
        if self._decoys is None:
            return []
        decoy = self._decoys.credential(component)  # made for every name, so that the time tells nothing
        return [] if await self.find(component) else [decoy]

    async def schemes(self, component: str) -> tuple[Scheme, ...]:
        """Return the schemes of a name, the best first; none if it has no credential and that is no secret."""
        decoys = await self.find_decoy(component)
        stored = await self.find(component) or decoys
        schemes = [scheme for credential in stored for scheme in credential.schemes]
        return tuple(dict.fromkeys([*schemes, *self._beside])) if schemes else ()
