"""The limit of twisted.web: one resource with a fixed body over TLS, no access log, and nothing else.

python bench/suite/servers/bare_web.py PORT CERTIFICATE BODY
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site


class Fixed(Resource):
    """Answers every request with the same bytes."""

    isLeaf = True

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        request.setHeader(b"Content-Type", b"application/x-pem-file")
        return self._body


class QuietSite(Site):
    """A site without an access log."""

    noisy = False

    def log(self, request: Request) -> None:
        """Write nothing."""


def serve(port: int, certificate: Path, resource: Resource) -> None:
    """Serve one resource over TLS until killed."""
    own = PrivateCertificate.loadPEM(certificate.read_bytes())
    context = CertificateOptions(own.privateKey.original, own.original)
    reactor.listenSSL(port, QuietSite(resource), context, interface="127.0.0.1")
    reactor.run()


def main() -> None:
    """Serve a body until killed."""
    port, certificate, body = sys.argv[1:]
    serve(int(port), Path(certificate), Fixed(Path(body).read_bytes()))


if __name__ == "__main__":
    main()
