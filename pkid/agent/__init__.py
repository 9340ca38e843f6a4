"""Trusted TLS that renews itself, for programs on Twisted.

======================================  ====================================================================
:class:`Core`                           a core, the pre-shared key, and the CA certificate that is trusted
:class:`Subject`                        whom a certificate is for
:class:`CertificateService`             a service that has a current certificate
:class:`DirectoryStorage`               keeps trust and certificate for the next start
:class:`MemoryStorage`                  keeps them as long as the process lives
:class:`Runtime`                        the reactor, the clock, the threads
======================================  ====================================================================
"""

from pkid.agent.certificate import CertificateService
from pkid.agent.core import Core, OtherAuthority
from pkid.agent.credential import Credential
from pkid.agent.runtime import Runtime
from pkid.agent.storage import DirectoryStorage, MemoryStorage, Storage
from pkid.ca.enrollment import Subject

__all__ = [
    "CertificateService",
    "Core",
    "Credential",
    "DirectoryStorage",
    "MemoryStorage",
    "OtherAuthority",
    "Runtime",
    "Storage",
    "Subject",
]
