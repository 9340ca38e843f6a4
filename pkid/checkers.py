"""Finds the checkers that ``--auth`` names: pkid's own, and those of Twisted's plug-ins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.cred import strcred
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.strcred import InvalidAuthType

from pkid.auth.logins import SCHEMES
from pkid.errors import StateError
from pkid.settings.auth import Chosen

__all__ = ["OWN_KINDS", "find_checkers"]

OWN_KINDS = ("psk", "certificate", "store", "keydir")
"""The kinds that are pkid's own, whatever other plug-ins call themselves."""


def find_checkers(chosen: Iterable[Chosen]) -> list[tuple[str, ICredentialsChecker]]:
    """Make the chosen checkers, each with its kind; pkid's own are unbound still.

    :raises StateError: for a kind that nobody knows or that is of no use here, or an argument that it does not take.
    """
    return [(each.kind, _make(each)) for each in chosen]


def _make(chosen: Chosen) -> ICredentialsChecker:
    setting = f"--auth {chosen.kind}"
    factory = _find(chosen.kind, setting)
    if not any(interface in SCHEMES for interface in factory.credentialInterfaces):
        raise StateError(setting, "takes nothing by which components prove their names", _see())
    try:
        checker: ICredentialsChecker = factory.generateChecker(chosen.argument)
    except Exception:  # which may repeat the argument, and that may be a secret
        raise StateError(
            setting, "does not take its argument", f"twistd pkid --help-auth-type {chosen.kind} explains it"
        ) from None
    return checker


def _find(kind: str, setting: str) -> Any:
    if kind in OWN_KINDS:
        from twisted.plugins import pkid_auth  # not searched for: no other plug-in must take its place

        return getattr(pkid_auth, kind)
    try:
        return strcred.findCheckerFactory(kind)
    except InvalidAuthType:
        raise StateError(setting, "is of a kind that nobody knows", _see()) from None


def _see() -> str:
    return "twistd pkid --help-auth lists the kinds"
