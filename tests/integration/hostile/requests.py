"""Certificate requests that must not be signed, for ``POST /ca/sign``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pkid.ca.keys import KeyType
from tests.ca import der
from tests.certificates import certificate_request, csr_pem, private_key
from tests.integration.hostile.attempt import Attempt, post

__all__ = ["requests"]

_Case = tuple[str, bytes, int, str]


def requests(authorization: bytes) -> Iterator[Attempt]:
    """Yield them.

    :param authorization: a header line with a good token.
    """
    for family in (_armour, _structure, _keys, _signatures, _names, _subjects, _handwritten):
        for about, body, status, code in family():
            yield Attempt(f"a request with {about}", post("/ca/sign", body, authorization), status, code)


def _armour() -> Iterator[_Case]:
    request = certificate_request()
    content, pem = request.public_bytes(Encoding.DER), csr_pem()
    for about, body in (
        ("nothing in it", b""), ("zeroes", bytes(60_000)), ("DER", content), ("a line of dashes", b"-" * 60_000),
        ("a certificate instead", der.armour(content, b"CERTIFICATE")),
        ("a private key instead", der.armour(content, b"PRIVATE KEY")), ("another case", pem.lower()),
        ("four dashes", pem.replace(b"-----", b"----")), ("JSON", b'{"csr": "x"}'),
        ("UTF-16", pem.decode().encode("utf-16")),
    ):  # fmt: skip
        yield about, body, 400, "not-pem"
    for about, body in (
        ("no end", pem.partition(b"-----END")[0]), ("half of it", pem[: len(pem) // 2]),
        ("no content", der.armour(b"")),
        ("no base64", der.armour(content).replace(b"MI", b"!!", 1)), ("labels a thousand times", _label() * 1000),
    ):  # fmt: skip
        yield about, body, 400, "bad-request"


def _label() -> bytes:
    return b"-----BEGIN CERTIFICATE REQUEST-----\n"


def _structure() -> Iterator[_Case]:
    content = certificate_request().public_bytes(Encoding.DER)
    nested = b""
    for _ in range(5000):
        nested = der.sequence(nested)
    for about, broken in (
        ("its last byte missing", content[:-1]), ("its first half", content[: len(content) // 2]),
        ("a byte too many", content + b"\0"), ("a wrong tag", b"\x31" + content[1:]),
        ("an endless length", b"\x30\x80"), ("a length of 4 GB", b"\x30\x84\xff\xff\xff\xff"),
        ("5000 levels", nested), ("text", base64.b64encode(content)),
    ):  # fmt: skip
        yield about, der.armour(broken), 400, "bad-request"


def _keys() -> Iterator[_Case]:
    for about, key in (
        ("RSA of 1024 bits", rsa.generate_private_key(65537, 1024)),
        ("RSA with the exponent 3", rsa.generate_private_key(3, 2048)),
        ("P-521", ec.generate_private_key(ec.SECP521R1())),
        ("secp256k1", ec.generate_private_key(ec.SECP256K1())),
        ("P-224", ec.generate_private_key(ec.SECP224R1())),
        ("DSA", dsa.generate_private_key(1024)),
        ("Ed448", ed448.Ed448PrivateKey.generate()),
    ):
        yield about, csr_pem(key), 403, "weak-key"


def _signatures() -> Iterator[_Case]:
    content = certificate_request().public_bytes(Encoding.DER)
    yield "a wrong signature", der.armour(content[:-1] + bytes([content[-1] ^ 1])), 403, "bad-signature"
    changed = content.replace(b"worker.example", b"master.example")
    yield "names changed after it was signed", der.armour(changed), 403, "bad-signature"
    rsa_key = private_key(KeyType.RSA2048)
    assert isinstance(rsa_key, rsa.RSAPrivateKey)
    for about, algorithm, digest in (
        ("MD5", "1.2.840.113549.1.1.4", hashes.MD5()),
        ("SHA-1", "1.2.840.113549.1.1.5", hashes.SHA1()),
    ):
        body = der.armour(der.request_der(key=rsa_key, signature_algorithm=algorithm, digest=digest))
        yield f"a signature with {about}", body, 403, "weak-digest"
    unknown = der.armour(der.request_der(signature_algorithm="1.2.3.4"))
    yield "a signature of an unknown kind", unknown, 400, "bad-request"


def _names() -> Iterator[_Case]:
    for name in (
        "a\nb.example", "a/b.example", "../etc", "a\0.example", "a b.example", "*", "*.com", "*.*.example",
        "a*.example", "a..example", ".example", "-a.example", "a-.example", "x" * 64 + ".example",
        "a." * 200 + "example", "10.0.0.1",
        "1.2.3.4.5", "a.example:443", "https://a.example", "a\x1b[31m.example", "a.example.", "", "a@b.example",
    ):  # fmt: skip
        yield f"the host name {name[:20]!r}", csr_pem(dns=[name]), 403, "bad-name"
    for address in ("0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:192.0.2.1"):
        yield f"the address {address}", csr_pem(ip=[address]), 403, "bad-name"
    for other in (
        x509.IPAddress(ip_network("10.0.0.0/8")), x509.IPAddress(ip_network("::/0")), x509.RFC822Name("a@b.example"),
        x509.DirectoryName(x509.Name([])), x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
    ):  # fmt: skip
        yield f"a {type(other).__name__}", csr_pem(other=[other]), 403, "bad-name"
    for uri in (
        "https://a.example", "spiffe://other/x", "spiffe://pkid.internal/", "spiffe://pkid.internal/pkid/core",
        "spiffe://pkid.internal/a/b", "spiffe://pkid.internal/..", "spiffe://pkid.internal/a%2fb", "SPIFFE://pkid.internal/a",
        "spiffe://pkid.internal/" + "x" * 129, "spiffe://pkid.internal/a\nb", "spiffe://pkid.internal:1/a",
    ):  # fmt: skip
        yield f"the identity {uri[:40]!r}", csr_pem(uri=[uri]), 403, "bad-identity"
    two = csr_pem(uri=["spiffe://pkid.internal/a", "spiffe://pkid.internal/b"])
    yield "two identities", two, 403, "bad-identity"
    yield "300 names", csr_pem(dns=[f"a{number}.example" for number in range(300)]), 403, "too-many-names"
    many = csr_pem(dns=[f"{number:x}" for number in range(10_000)])
    yield "10,000 names", many, 413, ""
    yield "a punycode name, which is fine", csr_pem(dns=["xn--bcher-kva.example"]), 200, ""


def _subjects() -> Iterator[_Case]:
    for name in ("a\nb", "a\0b", "a\x1b[2J", " a", "a\u2028b", "\u202egpj.exe", "pkid/core"):
        yield f"the common name {name!r}", csr_pem(common_name=name, dns=["a.example"]), 403, "bad-name"
    yield "nothing asked for", csr_pem(common_name=None), 403, "no-name"
    yield "a common name that is no host", csr_pem(common_name="my worker"), 403, "no-name"
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("a.example", "b.example")]
    yield "two common names", csr_pem(subject=x509.Name(names)), 400, "bad-request"
    authority = csr_pem(extensions=[x509.BasicConstraints(True, None)])
    yield "a wish to be an authority", authority, 403, "wants-ca"


def _handwritten() -> Iterator[_Case]:
    name = der.alternative_names(der.tlv(der.DNS, b"a.example"))
    for about, body in (
        ("another version", der.request_pem(version=7)),
        ("an extension twice", der.request_pem(extensions=[name, name])),
        ("a host name in Latin-1", der.request_pem(extensions=[der.alternative_names(der.tlv(der.DNS, b"b\xfccher"))])),
        ("an address of 5 bytes", der.request_pem(extensions=[der.alternative_names(der.tlv(der.IP, bytes(5)))])),
        ("an X.400 address", der.request_pem(extensions=[der.alternative_names(der.tlv(der.X400))])),
        ("an extension cut short", der.request_pem(extensions=[der.extension(der.ALTERNATIVE_NAMES, b"\x30\x05")])),
        ("a common name that is not UTF-8", der.request_pem(subject=der.common_name(b"\xff\xfe"))),
    ):
        yield about, body, 400, "bad-request"
    for size in (65, 66, 30_000):
        over_long = der.request_pem(subject=der.common_name(b"x" * size), extensions=[name])
        yield f"a common name of {size} bytes", over_long, 403, "bad-name"
