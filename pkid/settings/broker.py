"""The terms that the broker works by, as the operator's settings make them."""

from __future__ import annotations

from datetime import timedelta

from pkid.broker.policy import Choice, Duplicates, Overflow, Policy
from pkid.messaging.occupancy import Places
from pkid.messaging.rates import Rates
from pkid.messaging.terms import Keeping, Terms
from pkid.settings import table
from pkid.settings.component import Setting
from pkid.settings.precedence import Sources
from pkid.settings.sources import SettingsError

__all__ = ["broker_terms"]

_LOGIN_TIME = timedelta(minutes=1)  # for people who type a proof; what comes before, the doors limit for themselves
_SMALLEST_BACKLOG = 64 << 10  # bytes
_SMALLEST_MESSAGE = 64 << 10  # bytes
_LARGEST_MESSAGE = 64 << 20  # bytes; clients take no more


def broker_terms(sources: Sources) -> Terms:
    """Find the terms of the broker.

    :raises SettingsError: when one of its settings cannot be used.
    """
    connections = _at_least(sources, table.CONNECTIONS, 2)
    per_address = _at_least(sources, table.CONNECTIONS_PER_ADDRESS, 4)
    return Terms(
        Policy(
            authenticated=sources.value(table.AUTHENTICATED),
            claimed_tenants=sources.value(table.OPEN_TENANTS),
            login_time=_LOGIN_TIME,
            duplicates=Duplicates(sources.value(table.DUPLICATES)),
            choice=Choice(sources.value(table.EXPOSER)),
            backlog_bytes=_at_least(sources, table.BACKLOG, _SMALLEST_BACKLOG),
            overflow=Overflow(sources.value(table.OVERFLOW)),
            retained=sources.value(table.RETAIN),
        ),
        private_by_default=sources.value(table.PRIVATE_TOPICS),
        places=Places(connections, connections // 2, per_address, per_address // 4),
        rates=Rates(sources.value(table.COMMAND_RATE), sources.value(table.BYTE_RATE)),
        message_size=_at_least(sources, table.MESSAGE_SIZE, _SMALLEST_MESSAGE, _LARGEST_MESSAGE),
        keeping=Keeping(sources.value(table.KEEP_MESSAGES), _at_least(sources, table.KEPT_SIZE, 1)),
    )


def _at_least(sources: Sources, setting: Setting[int], least: int, most: int | None = None) -> int:
    value = sources.value(setting)
    is_too_large = most is not None and value > most
    if value < least or is_too_large:
        given = sources.find(setting)
        limit = f"at most {most}" if is_too_large else f"at least {least}"
        raise SettingsError(f"{given.source if given else setting.flag} must be {limit}, not {value}")
    return value
