"""Components of Fix Inventory, with their own library (``fixinventorylib`` from PyPI), against the core."""

from __future__ import annotations

from tests.interop.components import ComponentTests
from tests.interop.environments import FIX_INVENTORY
from tests.support import Case


class FixInventoryWithECDSA(ComponentTests, Case):
    """The core has an ECDSA CA, as by default."""

    environment = FIX_INVENTORY
    ca_key_type = "p256"


class FixInventoryWithRSA(ComponentTests, Case):
    """The core has an RSA CA, like the original."""

    environment = FIX_INVENTORY
    ca_key_type = "rsa2048"
