"""Components of Resoto, with their own library (``resotolib`` from PyPI), against the core."""

from __future__ import annotations

from tests.interop.components import ComponentTests
from tests.interop.environments import RESOTO
from tests.support import Case


class ResotoWithECDSA(ComponentTests, Case):
    """The core has an ECDSA CA, as by default."""

    environment = RESOTO
    ca_key_type = "p256"


class ResotoWithRSA(ComponentTests, Case):
    """The core has an RSA CA, like the original."""

    environment = RESOTO
    ca_key_type = "rsa2048"
