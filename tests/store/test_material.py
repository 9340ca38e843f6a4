"""What credentials are checked against is written and read as it is."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import ec

from pkid.auth.component_keyring import Material, SharedSecret
from pkid.auth.scram import ScramVerifier
from pkid.ca.keys import KeyType, key_bytes
from pkid.errors import Unusable
from pkid.store.material import PUBLIC_KEY, RECOVERABLE_SECRET, SCRAM, read_material, write_material
from tests.certificates import private_key
from tests.support import Case


class MaterialTests(Case):
    def test_every_kind_comes_back_as_it_was(self) -> None:
        verifier = ScramVerifier.make("correct horse", os.urandom(16), 4096)
        keys = [private_key(kind).public_key() for kind in (KeyType.RSA2048, KeyType.P256, KeyType.ED25519)]
        for material in (verifier, SharedSecret("hush ü \N{SNOWMAN}"), SharedSecret(""), *keys):
            self.assertEqual(read_material(*write_material(material)), material)

    def test_a_verifier_is_written_as_in_rfc_5803(self) -> None:
        # Section 3.2 has the form of the value; the keys are 32 bytes each.
        kind, written = write_material(ScramVerifier(b"saltsalt", 4096, bytes(32), b"\xff" * 32))
        zeros, ones = b"A" * 43 + b"=", b"/" * 42 + b"8="
        self.assertEqual((kind, written), (SCRAM, b"4096:c2FsdHNhbHQ=$" + zeros + b":" + ones))

    def test_only_a_recoverable_secret_is_the_secret(self) -> None:
        kinds: dict[str, Material] = {
            RECOVERABLE_SECRET: SharedSecret("hush"),
            SCRAM: ScramVerifier.make("hush", b"saltsalt", 4096),
            PUBLIC_KEY: private_key(KeyType.P256).public_key(),
        }
        for kind, material in kinds.items():
            written = write_material(material)
            self.assertEqual((written[0], b"hush" in written[1]), (kind, kind == RECOVERABLE_SECRET))

    def test_what_cannot_be_read_is_nothing(self) -> None:
        weak = key_bytes(ec.generate_private_key(ec.SECP521R1()).public_key())
        for kind, content in (
            ("md5", b"x"),
            (PUBLIC_KEY, b""),
            (PUBLIC_KEY, weak),
            (RECOVERABLE_SECRET, b"\xff"),
            (SCRAM, b"4096:c2FsdA==$AAAA"),
            (SCRAM, b"0:c2FsdA==$AAAA:AAAA"),
            (SCRAM, b"4096:c2FsdA==$AAAA:AAAA\n"),
            (SCRAM, b"4096:c2FsdA=$AAAA:AAAA"),
        ):
            self.assertRaises(Unusable, read_material, kind, content)
