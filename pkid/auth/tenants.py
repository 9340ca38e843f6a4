"""The tenants that were declared, and the PINs by which their components register keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pkid.auth.pins import Pin

__all__ = ["DeclaredTenants"]


class DeclaredTenants:
    """Tenants from several sources, each of which may be exchanged as a whole at any time.

    :param changed: is told the names of all tenants whenever these change.
    :ivar default: what the default tenant is called: a source may have a PIN for it, but does not declare it.
    """

    def __init__(self, changed: Callable[[frozenset[str]], object], default: str = ".") -> None:
        self._changed = changed
        self.default = default
        self._sources: dict[str, Mapping[str, Pin | None]] = {}

    @property
    def names(self) -> frozenset[str]:
        """The declared tenants."""
        return frozenset().union(*self._sources.values()) - {self.default}

    def exchange(self, source: str, tenants: Mapping[str, Pin | None]) -> None:
        """Have these tenants of a source from now on, and none of its others.

        :param tenants: each with its PIN, or ``None`` where nobody registers keys by one.
        """
        before = self.names
        self._sources[source] = dict(tenants)
        if self.names != before:
            self._changed(self.names)

    def pins(self, tenant: str) -> list[Pin]:
        """Return the PINs of a tenant."""
        found = (tenants.get(tenant) for tenants in self._sources.values())
        return [pin for pin in found if pin is not None]
