"""Whatever a request's bytes are, it is read and judged, or refused as it must be."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.keys import KeyType
from pkid.ca.request import read_request
from pkid.errors import PkidError
from tests.ca import der
from tests.certificates import certificate_request, private_key, profile
from tests.support import Case

PROPERTY = settings(max_examples=500, deadline=None, database=None, derandomize=True)
REQUESTS = [
    certificate_request(
        private_key(kind),
        dns=["a.example", "*.b.example"],
        ip=["192.0.2.1", "2001:db8::1"],
        uri=["spiffe://pkid.internal/a"],
        other=[x509.RFC822Name("a@b.example")] if kind is KeyType.RSA2048 else [],
        extensions=[x509.BasicConstraints(False, None)],
    )
    for kind in (KeyType.P256, KeyType.RSA2048, KeyType.ED25519)
]
"""Requests that hold a bit of everything."""

CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)
CUTS = st.tuples(st.integers(0, 10_000), st.integers(0, 8), st.binary(max_size=8))


def changed(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    """Set bytes, each at a place that is counted round and round."""
    altered = bytearray(content)
    for place, byte in changes:
        altered[place % len(altered)] = byte
    return bytes(altered)


def spliced(content: bytes, cut: tuple[int, int, bytes]) -> bytes:
    """Replace some bytes by others, perhaps more or fewer."""
    place, length, piece = cut[0] % len(content), cut[1], cut[2]
    return content[:place] + piece + content[place + length :]


class AnyRequestTests(Case):
    def judge(self, body: bytes) -> None:
        """Read and judge a body, which may fail in one way only, with a message that fits in a line."""
        try:
            profile().check(read_request(body))
        except PkidError as error:
            self.assertTrue(str(error).isprintable(), str(error))

    @PROPERTY
    @given(st.binary(max_size=300))
    def test_any_bytes(self, content: bytes) -> None:
        for body in (content, der.armour(content), der.armour(content)[:-1]):
            self.judge(body)

    @PROPERTY
    @given(st.sampled_from(REQUESTS), CHANGES, CUTS)
    def test_any_change_of_its_bytes(
        self, request: x509.CertificateSigningRequest, changes: list[tuple[int, int]], cut: tuple[int, int, bytes]
    ) -> None:
        content = request.public_bytes(Encoding.DER)
        for altered in (changed(content, changes), spliced(content, cut)):
            self.judge(der.armour(altered))

    @PROPERTY
    @given(CHANGES, CUTS)
    def test_any_change_before_it_is_signed(self, changes: list[tuple[int, int]], cut: tuple[int, int, bytes]) -> None:
        content = REQUESTS[0].tbs_certrequest_bytes
        for altered in (changed(content, changes), spliced(content, cut)):
            self.judge(der.armour(signed(altered)))

    @PROPERTY
    @given(st.binary(max_size=80), st.sampled_from([der.EMAIL, der.DNS, der.X400, der.DIRECTORY, der.URI, der.IP]))
    def test_any_name(self, content: bytes, tag: int) -> None:
        names = der.alternative_names(der.tlv(tag, content))
        self.judge(der.request_pem(extensions=[names]))
        self.judge(der.request_pem(subject=der.common_name(content), extensions=[names]))


def signed(info: bytes) -> bytes:
    """Sign whatever these bytes are, with the key of the first request."""
    key = private_key(KeyType.P256)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(info, ec.ECDSA(hashes.SHA256()))
    return der.sequence(info, der.sequence(der.oid(der.ECDSA_SHA256)), der.tlv(0x03, b"\0", signature))
