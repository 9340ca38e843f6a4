"""Which names may be asked for: the rules that an operator sets for one credential.

A denial is stronger than every permission. As soon as one kind of name has a list of permissions, the kinds without
one are refused: who lists hosts alone means hosts alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from pkid.ca.names import IPAddress, Names, TrustDomain, is_host_name
from pkid.ca.patterns import ComponentPattern
from pkid.ca.reserved import address_of
from pkid.errors import Reason, Refused

__all__ = ["ANY_NAME", "Policy", "Rules"]

N = TypeVar("N", contravariant=True)


class _Pattern(Protocol[N]):
    """Says whether a name is meant: all that it stands for, or anything of it."""

    def covers(self, name: N, /) -> bool: ...

    def meets(self, name: N, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Rules(Generic[N]):
    """Permissions and denials for one kind of name.

    :ivar allow: what is allowed; ``None`` if there is no list.
    """

    allow: tuple[_Pattern[N], ...] | None = None
    deny: tuple[_Pattern[N], ...] = ()

    def denies(self, name: N) -> bool:
        """Tell whether anything that the name stands for is denied."""
        return any(pattern.meets(name) for pattern in self.deny)

    def allows(self, name: N) -> bool:
        """Tell whether all that the name stands for is on the list."""
        return any(pattern.covers(name) for pattern in self.allow or ())


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for host names, addresses and components."""

    dns: Rules[str] = Rules()
    ip: Rules[IPAddress] = Rules()
    components: Rules[str] = Rules()

    def check(self, names: Names, common_name: str | None, trust_domain: TrustDomain) -> None:
        """Check every name of a certificate, and the common name for all that it may be taken for.

        :param names: checked names; their identities belong to *trust_domain*.
        :raises Refused: ``not-allowed`` with the first name that is not.
        """
        if self == ANY_NAME:
            return
        refused = next(self._refused(names, common_name, trust_domain), None)
        if refused is not None:
            raise Refused(Reason.NOT_ALLOWED, repr(refused))

    def lists(self, component: str) -> bool:
        """Tell whether a component's name is allowed literally: what a name that has rights of its own will need."""
        return ComponentPattern(component) in (self.components.allow or ()) and self._permits(
            self.components, component
        )

    def may_be_proven(self, component: str, *, reserved: bool) -> bool:
        """Tell whether a component's name may be had; one with rights or a credential of its own only literally."""
        return self.lists(component) if reserved else self._permits(self.components, component)

    def still_allows(self, former: Policy, component: str) -> bool:
        """Tell whether a component's name that was had by a former policy may be had by this one; literally, if then.

        Whether the name is reserved need not be known: if it is, the former policy listed it.
        """
        return self.may_be_proven(component, reserved=former.lists(component))

    def _refused(self, names: Names, common_name: str | None, trust_domain: TrustDomain) -> Iterator[str]:
        yield from (name for name in names.dns if not self._permits(self.dns, name))
        yield from (str(address) for address in names.ip if not self._permits(self.ip, address))
        components = map(trust_domain.component, names.uri)
        yield from (name for name in components if not self._permits(self.components, name))
        if common_name is not None and not self._permits_common_name(common_name, bool(names.dns)):
            yield common_name

    def _permits(self, rules: Rules[N], name: N) -> bool:
        if rules.allow is None:
            return self._lists_nothing and not rules.denies(name)
        return rules.allows(name) and not rules.denies(name)

    @property
    def _lists_nothing(self) -> bool:
        return self.dns.allow is None and self.ip.allow is None and self.components.allow is None

    def _permits_common_name(self, common_name: str, has_dns: bool) -> bool:
        """Judge a common name as a component's name or as a host's; where clients go by it, as a host's alone.

        Old ones do so if there is no DNS name (RFC 6125, 6.4.4).
        """
        reading = common_name.lower().rstrip(".")
        address = address_of(reading)
        if address is not None:
            return self._permits(self.ip, address)
        if "*" in reading and not is_host_name(reading):
            return self == ANY_NAME  # it stands for who knows what
        if not is_host_name(reading):
            return self._permits(self.components, common_name)
        if self.dns.denies(reading) or self.components.denies(common_name):
            return False
        return self._permits(self.dns, reading) or (has_dns and self._permits(self.components, common_name))


ANY_NAME: Final = Policy()
"""The policy without any rules."""
