"""Trusted TLS that renews itself, for programs on Twisted.

=============================  =============================================================================
:class:`Core`                  a core, the pre-shared key, and the CA certificate that is trusted
:class:`Subject`               whom a certificate is for: :meth:`Subject.of`
:class:`CertificateService`    a service that has a current certificate
:class:`ServerEndpoint`        listens with it; as a string, ``pkid:PORT:core=URL:name=NAME``
:func:`connect`                connects with it, to a peer that has one from the same core
:class:`ClientEndpoint`        the same, as an endpoint
:class:`HTTPSPolicy`           the same, for Twisted's ``Agent`` and treq
:class:`DirectoryStorage`      keeps trust and certificate for the next start; :class:`MemoryStorage` does not
:class:`GivenAuthority`        keeps them, too, but for a CA certificate that was given
:class:`Introduction`          a certificate to get the first one with, in the place of the pre-shared key
:class:`Runtime`               the reactor, the clock, the threads: :meth:`Runtime.of`
=============================  =============================================================================

What goes wrong is a :class:`~pkid.ca.trust.TrustError` (do not go on), a :class:`~pkid.answers.CoreError` (the core
cannot be asked, or says no) or a :class:`~pkid.errors.StateError` (a file). Tests find a core in memory in
:mod:`pkid.testing`. Nothing here imports the global reactor.
"""

from pkid.agent.certificate import CertificateService
from pkid.agent.client import ClientEndpoint, HTTPSPolicy, NotReady, connect
from pkid.agent.core import Core, OtherAuthority
from pkid.agent.credential import Credential
from pkid.agent.introduction import Introduction
from pkid.agent.runtime import Runtime
from pkid.agent.server import ClientAuthentication, ServerEndpoint
from pkid.agent.storage import DirectoryStorage, GivenAuthority, MemoryStorage, Storage
from pkid.ca.enrollment import Subject

__all__ = [
    "CertificateService",
    "ClientAuthentication",
    "ClientEndpoint",
    "Core",
    "Credential",
    "DirectoryStorage",
    "GivenAuthority",
    "HTTPSPolicy",
    "Introduction",
    "MemoryStorage",
    "NotReady",
    "OtherAuthority",
    "Runtime",
    "ServerEndpoint",
    "Storage",
    "Subject",
    "connect",
]
