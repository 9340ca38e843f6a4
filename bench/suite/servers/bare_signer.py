"""The limit of signing behind twisted.web: one page over TLS that signs what is sent to it, and nothing else.

python bench/suite/servers/bare_signer.py PORT CERTIFICATE KEY-TYPE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from twisted.web.http import Request
from twisted.web.resource import Resource

from bench.suite.bare_signer import BareSigner
from bench.suite.servers.bare_web import serve
from pkid.ca.keys import KeyType


class Signing(Resource):
    """Answers a request for a certificate with one, and whatever else with nothing."""

    isLeaf = True

    def __init__(self, signer: BareSigner) -> None:
        super().__init__()
        self._signer = signer

    def render_GET(self, request: Request) -> bytes:
        """Answer a bystander."""
        return b""

    def render_POST(self, request: Request) -> bytes:
        """Sign."""
        assert request.content is not None
        request.setHeader(b"Content-Type", b"application/x-pem-file")
        return self._signer.sign(request.content.read())


def main() -> None:
    """Serve until killed."""
    port, certificate, kind = sys.argv[1:]
    serve(int(port), Path(certificate), Signing(BareSigner(KeyType(kind))))


if __name__ == "__main__":
    main()
