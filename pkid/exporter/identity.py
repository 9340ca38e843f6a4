"""What the exporter shows in the TLS handshake: a certificate of the core's that renews itself, or the operator's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from twisted.application.service import IService
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator

from pkid.agent import CertificateService, ClientAuthentication, Core, Runtime, Storage, Subject
from pkid.agent.server import LiveServer
from pkid.discovery import discover
from pkid.exporter.settings import MetricsSettings
from pkid.own import load_host, stamp
from pkid.settings.certificates import PairFiles
from pkid.state import KeyPair
from pkid.tls import LiveContext, server_context
from pkid.watch import FileWatch

__all__ = ["Identity", "given_identity", "renewed_identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate that is kept current.

    :ivar service: keeps it so while it runs.
    :ivar tls: makes connections that show it.
    :ivar open: reads what must be there at the start; blocks, and raises :class:`~pkid.errors.StateError`.
    :ivar end: gives when it ends, aware UTC, if there is one already.
    """

    service: IService
    tls: IOpenSSLServerConnectionCreator
    open: Callable[[], object]
    end: Callable[[], datetime | None]


def renewed_identity(settings: MetricsSettings, core: Core, storage: Storage) -> Identity:
    """Return one from the core, for the names that are given, or else for those of this host."""
    service = CertificateService(core, _subject(settings), storage)
    required = settings.client_authentication
    tls = LiveServer(service, ClientAuthentication.REQUIRED if required else ClientAuthentication.NONE)

    def end() -> datetime | None:
        return None if service.credential is None else service.credential.not_after

    return Identity(service, tls, lambda: None, end)


def given_identity(files: PairFiles, runtime: Runtime) -> Identity:
    """Return the operator's own, which is read again when its files are replaced."""
    live = LiveContext()

    def show(pair: KeyPair) -> None:
        live.swap(server_context(pair, ()))

    watch = FileWatch(
        "the certificate of --cert", lambda: stamp(files), lambda: load_host(files, runtime.now()), show,
        offload=runtime.offload, clock=runtime.clock, now=runtime.now,
    )  # fmt: skip
    return Identity(watch, live, lambda: show(watch.prepare()), lambda: watch.not_after)


def _subject(settings: MetricsSettings) -> Subject:
    if settings.dns_names or settings.ip_addresses:
        return Subject.of(settings.common_name, settings.dns_names, settings.ip_addresses)
    names = discover()
    return Subject.of(settings.common_name, names.dns, names.ip)
