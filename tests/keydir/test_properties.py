"""Whatever is in a directory, reading it ends with what it says or with one kind of error."""

from __future__ import annotations

import json
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pkid.auth.component_keyring import SharedSecret
from pkid.ca.keys import KeyType
from pkid.errors import Unusable
from pkid.keydir.layout import component_of, read_material
from pkid.keydir.lists import read_admins, read_tenants, read_topics
from tests.certificates import private_key
from tests.support import Case

PROPERTY = settings(max_examples=300, deadline=None, database=None, derandomize=True)
NAMES = st.one_of(st.text(max_size=20), st.sampled_from(["a", "a.pem", "a.rsa.der", "a.ecdsa", ".", "..", ".pem"]))
KEYS = [
    private_key(kind).public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    for kind in (KeyType.RSA2048, KeyType.P256, KeyType.ED25519)
    for encoding in (Encoding.PEM, Encoding.DER)
]
LISTS: tuple[Callable[[bytes], object], ...] = (read_admins, read_tenants, read_topics)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


class ReadingProperties(Case):
    @given(NAMES, st.binary(max_size=400))
    @PROPERTY
    def test_any_file(self, name: str, content: bytes) -> None:
        component_of(name)
        try:
            read_material(name, content)
        except Unusable:
            pass

    @given(st.sampled_from(KEYS), st.data())
    @PROPERTY
    def test_no_piece_of_a_key_and_no_key_with_a_fault_is_a_secret(self, key: bytes, data: st.DataObject) -> None:
        """For what is public, taken for a secret, would let anybody in."""
        start = data.draw(st.sampled_from([0, 0, 0, 1]))
        piece = bytearray(key[start : data.draw(st.integers(20, len(key)))])
        for _ in range(data.draw(st.integers(0, 2))):
            piece[data.draw(st.integers(11, len(piece) - 1))] = data.draw(st.integers(0, 255))
        try:
            material = read_material("a", bytes(piece))
        except Unusable:
            return
        if isinstance(material, SharedSecret):
            self.assertEqual(start, 1, piece)  # what begins otherwise than a key may be anything

    @given(st.binary(max_size=100))
    @example(b"[" * 100_000)
    @example(b'{"a": ' * 50_000)
    @PROPERTY
    def test_any_list(self, content: bytes) -> None:
        for read in LISTS:
            try:
                read(content)
            except Unusable:
                pass

    @given(JSON)
    @PROPERTY
    def test_any_json(self, value: object) -> None:
        for read in LISTS:
            try:
                read(json.dumps(value).encode())
            except Unusable:
                pass
