"""Who is at the other end of a session, and which tenant that is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["ANONYMOUS", "DEFAULT_TENANT", "Identity", "Tenants"]

DEFAULT_TENANT = "."
"""The tenant of all who are in no other."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a session is known as, for as long as it lasts."""

    component: str | None
    """The component's name; ``None`` when it gave none."""
    authenticated: bool = False
    """Whether it proved that the name is its own; only then does the name have rights."""
    tenant: str = field(default=DEFAULT_TENANT, repr=False, compare=False)
    """The tenant that it is in, as :meth:`Tenants.of` told when it came."""

    def __str__(self) -> str:
        if self.component is None:
            return "anonymous"
        return self.component if self.authenticated else f"{self.component} (not proven)"


class Tenants:
    """The tenants that there are; what stands behind the first dot of a name is one only if it was declared."""

    def __init__(self, declared: Iterable[str] = ()) -> None:
        self.declare(declared)

    def declare(self, names: Iterable[str]) -> None:
        """Have these tenants from now on, and no others but the default one."""
        self._declared = frozenset(names)

    def of(self, component: str | None) -> str:
        """Return the tenant of a component."""
        suffix = (component or "").partition(".")[2]
        return suffix if suffix in self._declared else DEFAULT_TENANT

    def identify(self, component: str | None, authenticated: bool = False) -> Identity:
        """Return the identity of a component, in its tenant."""
        return Identity(component, authenticated, self.of(component))


ANONYMOUS = Identity(None)
