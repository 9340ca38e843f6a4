"""Who is at the other end of a session, and which tenant that is in."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ANONYMOUS", "DEFAULT_TENANT", "Identity", "tenant_of"]

DEFAULT_TENANT = "."
"""The tenant of those without a name, and of names without a dot."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a session is known as, for as long as it lasts."""

    component: str | None
    """The component's name; ``None`` when it gave none."""
    authenticated: bool = False
    """Whether it proved that the name is its own; only then does the name have rights."""
    tenant: str = field(init=False, repr=False, compare=False)
    """The tenant that it is in."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tenant", tenant_of(self.component))

    def __str__(self) -> str:
        if self.component is None:
            return "anonymous"
        return self.component if self.authenticated else f"{self.component} (not proven)"


def tenant_of(component: str | None) -> str:
    """Return a component's tenant: what stands behind the first dot of its name."""
    return (component or "").partition(".")[2] or DEFAULT_TENANT


ANONYMOUS = Identity(None)
