"""What protection an operator turned off, and the words in which the core says so, as long as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pkid.settings.endpoints import OFF
from pkid.settings.resolution import Settings

__all__ = ["Exposure", "Reminder"]

_HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Exposure:
    """Whether callers prove who they are, and whether what they say is kept from others."""

    authentication: bool
    encryption: bool

    @classmethod
    def of(cls, settings: Settings) -> Exposure:
        """Return what the settings leave on; to a Unix socket nobody can listen, so it needs no encryption."""
        endpoints = [endpoint for endpoint in (settings.https, settings.line) if endpoint != OFF]
        return cls(settings.authentication, settings.tls or all(each.startswith("unix:") for each in endpoints))

    @property
    def notices(self) -> tuple[str, ...]:
        """What is off, in two words each, for every answer."""
        off = (("no authentication", self.authentication), ("no encryption", self.encryption))
        return tuple(words for words, is_on in off if not is_on)

    def sentences(self, *addresses: str) -> Iterator[str]:
        """Yield what is off and what that means, for people.

        :param addresses: where the doors listen, each ``HOST PORT`` or a path; the first that others can reach counts.
        """
        address = next((each for each in addresses if not _is_local(each)), addresses[0])
        where = f"at {address}" if _is_local(address) else f"at {address}, which other machines can reach,"
        if not self.authentication:
            yield f"NO AUTHENTICATION (--psk ''): whoever knocks {where} gets certificates for any name"
        if not self.encryption:
            yield f"NO ENCRYPTION (--no-tls): whoever listens {where} can read and use tokens and new private keys"


class Reminder(Service):
    """Says at the start, and then every hour, what is off.

    :param sentences: what to say; nothing, if nothing is off.
    """

    _log = Logger()

    def __init__(self, sentences: Callable[[], Iterator[str]], clock: IReactorTime) -> None:
        self.setName("reminder")
        self._sentences = sentences
        self._call = LoopingCall(self._remind)
        self._call.clock = clock

    def startService(self) -> None:
        """Say it, and come back."""
        super().startService()
        self._call.start(_HOUR)

    def stopService(self) -> None:
        """Say it no more."""
        super().stopService()
        self._call.stop()

    def _remind(self) -> None:
        for sentence in self._sentences():
            self._log.critical("{sentence}", sentence=sentence)


def _is_local(address: str) -> bool:
    """Tell whether only this machine reaches an address: it is a path, or loopback's."""
    if address.startswith(("/", "\0")):
        return True
    try:
        return ip_address(address.rpartition(" ")[0]).is_loopback
    except ValueError:
        return False
