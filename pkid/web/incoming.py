"""What is read from a request's head and its connection: a token, a certificate, the key that a path selects."""

from __future__ import annotations

from typing import cast

from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.interfaces import ISSLTransport

from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey
from pkid.web.request import BoundedRequest

__all__ = ["bearer_token", "client_certificate", "selected_key"]

_SELECTION = b"/psk/"


def client_certificate(request: BoundedRequest) -> bytes:
    """Return the certificate, DER, that the client showed in the TLS handshake, now or when it began the session.

    :raises UnauthorizedLogin: when it showed none, or there is no TLS.
    """
    transport = ISSLTransport(request.channel.transport, None)
    certificate = None if transport is None else cast("X509 | None", transport.getPeerCertificate())
    if certificate is None:
        raise UnauthorizedLogin
    return dump_certificate(FILETYPE_ASN1, certificate)


def selected_key(path: bytes, keyring: Keyring) -> tuple[PreSharedKey | None, bytes]:
    """Read a path such as ``/psk/NAME/ca/cert``: the key that it selects, if that is good now, and the path without.

    So a client that knows only where the core is can be told, by its address, to use one key of several.
    """
    if not path.startswith(_SELECTION):
        return None, path
    name, slash, rest = path.removeprefix(_SELECTION).partition(b"/")
    psk = keyring.find(name.decode("ascii", "replace"))
    return (None, path) if psk is None else (psk, slash + rest)


def bearer_token(request: BoundedRequest) -> bytes:
    """Read the token of the one ``Authorization`` header: ``Bearer``, in any case, one space, the token (RFC 6750).

    :raises UnauthorizedLogin: when it is missing, doubled or of another form.
    """
    values = request.sent.get(b"Authorization", ())
    scheme, _, token = values[0].partition(b" ") if len(values) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not token or b" " in token:
        raise UnauthorizedLogin
    return token
