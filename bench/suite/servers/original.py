"""The original's way of ``POST /ca/sign``: aiohttp, PBKDF2 by hashlib in the event loop, an RSA-2048 CA.

As `fixcore` does it, but for its checks, its database and its other pages, so that it is rather faster than that.
Runs in the peers' environment (aiohttp, PyJWT, cryptography).

    python bench/suite/servers/original.py PORT CERTIFICATE PSK
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import sys
from datetime import UTC, datetime, timedelta

import jwt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY = rsa.generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root CA")])
USAGE = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def check(header: str, psk: str) -> None:
    """Verify a token; a new key is derived for each."""
    token = header.partition(" ")[2]
    salt = base64.b64decode(jwt.get_unverified_header(token)["salt"])
    jwt.decode(token, hashlib.pbkdf2_hmac("sha256", psk.encode(), salt, 100_000), algorithms=["HS256"])


def sign(body: bytes) -> bytes:
    """Sign a request as it is."""
    csr = x509.load_pem_x509_csr(body)
    now = datetime.now(UTC)
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(NAME)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .add_extension(USAGE, critical=True)
        .add_extension(PURPOSES, critical=False)
        .add_extension(names.value, critical=names.critical)
    )
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


def main() -> None:
    """Serve until killed."""
    port, certificate, psk = sys.argv[1:]

    async def ca_sign(request: web.Request) -> web.Response:
        check(request.headers["Authorization"], psk)
        return web.Response(body=sign(await request.read()), content_type="application/x-pem-file")

    async def ping(request: web.Request) -> web.Response:
        return web.Response(text="pong")

    application = web.Application()
    application.router.add_post("/ca/sign", ca_sign)
    application.router.add_get("/system/ping", ping)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    web.run_app(application, host="127.0.0.1", port=int(port), ssl_context=context, access_log=None, print=None)


if __name__ == "__main__":
    main()
