"""Which chain of issuers a certificate hangs from, remembered for those that were shown lately.

That a key signed these very bytes stays true, so it is verified once, for as long as the issuers are the same. Whether
a certificate is good for anything is decided elsewhere, anew each time. Only what was verified is remembered, so
strangers leave nothing behind.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from cryptography import x509

from pkid.ca.chain import is_der_issued_by

__all__ = ["Chain", "Recognition"]

Chain = tuple[x509.Certificate, ...]
"""An issuer's certificate and all above it, the root last."""


class Recognition:
    """Finds the chain above a certificate.

    :param most: how many certificates are remembered, the one not shown for longest leaving first.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._chains: tuple[Chain, ...] = ()
        self._found: OrderedDict[bytes, Chain] = OrderedDict()  # by the certificate's SHA-256

    def chain_above(self, certificate: bytes, chains: tuple[Chain, ...]) -> Chain | None:
        """Return the first of these chains whose issuer signed a certificate (DER), which may be anything."""
        if chains != self._chains:
            self._chains = chains
            self._found.clear()
        digest = sha256(certificate).digest()
        found = self._found.get(digest)
        if found is not None:
            self._found.move_to_end(digest)
            return found
        found = next((chain for chain in chains if is_der_issued_by(certificate, chain[0])), None)
        if found is not None:
            self._keep(digest, found)
        return found

    def _keep(self, digest: bytes, chain: Chain) -> None:
        self._found[digest] = chain
        if len(self._found) > self._most:
            self._found.popitem(last=False)
