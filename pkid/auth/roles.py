"""What callers may do: the rights, the roles that a pre-shared key can give, and those that the seeds' users have."""

from __future__ import annotations

from enum import Enum

__all__ = ["ALL_RIGHTS", "Right", "Role", "rights_of_user"]


class Right(Enum):
    """What a member may do; ``read``, ``write`` and ``admin`` are the seeds' words.

    ``issue`` is to have requests signed, ``renew`` to renew the certificate that one came with.
    """

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    ISSUE = "issue"
    RENEW = "renew"


ALL_RIGHTS = frozenset({Right.READ, Right.WRITE, Right.ADMIN, Right.ISSUE})
"""All that a credential can give without a certificate."""


class Role(Enum):
    """What a pre-shared key is for."""

    ADMIN = "admin"
    ISSUE = "issue"
    READ = "read"
    OBSERVE = "observe"

    @property
    def rights(self) -> frozenset[Right]:
        """What the role may do."""
        return _RIGHTS_OF_ROLE[self]


_RIGHTS_OF_ROLE = {
    Role.ADMIN: ALL_RIGHTS,
    Role.ISSUE: frozenset({Right.ISSUE}),
    Role.READ: frozenset({Right.READ}),
    Role.OBSERVE: frozenset({Right.READ, Right.ISSUE}),
}

_RIGHTS_OF_USERS = {
    "admin": ALL_RIGHTS,
    "service": ALL_RIGHTS,
    "readwrite": frozenset({Right.READ, Right.WRITE}),
    "readonly": frozenset({Right.READ}),
}


def rights_of_user(roles: str) -> frozenset[Right]:
    """Return the rights of a user's roles, which are joined by commas; unknown ones give none."""
    return frozenset().union(*(_RIGHTS_OF_USERS.get(role.strip(), frozenset()) for role in roles.split(",")))
