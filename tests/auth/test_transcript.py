"""What a proof covers: nothing in it can be read in two ways, and the binding is asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pkid.auth.schemes import Scheme
from pkid.auth.transcript import BindingType, Channel, Prover, Transcript
from pkid.errors import Refused
from tests.auth.logins import CLIENT_NONCE, EXPORTER, SERVER_NONCE, differing, transcript
from tests.support import Case

_PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"
_NONCES = st.binary(min_size=32, max_size=32)
_TRANSCRIPTS = st.builds(
    Transcript,
    server=st.text(max_size=4),
    server_nonce=_NONCES,
    client_nonce=_NONCES,
    component=st.text(max_size=4),
    offers=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    chosen=st.text(max_size=4),
    binding_type=st.sampled_from(BindingType),
    binding=st.binary(max_size=4),
)


def fields(encoded: bytes) -> list[bytes | list[bytes]]:
    """Read a transcript's encoding as docs/protocol.md describes it; its eighth field is the list."""
    found: list[bytes | list[bytes]] = []
    place = 0

    def number() -> int:
        nonlocal place
        place += 4
        return int.from_bytes(encoded[place - 4 : place], "big")

    def field() -> bytes:
        nonlocal place
        size = number()
        place += size
        return encoded[place - size : place]

    while place < len(encoded):
        found.append([field() for _ in range(number())] if len(found) == 7 else field())
    return found


class EncodingTests(Case):
    """The encoding says everything, in one way."""

    @given(_TRANSCRIPTS, st.sampled_from(Prover))
    def test_every_field_can_be_read_back(self, login: Transcript, prover: Prover) -> None:
        self.assertEqual(
            fields(login.encode(prover)),
            [
                b"pkid broker login",
                b"1",
                prover.value.encode(),
                login.server.encode(),
                login.server_nonce,
                login.client_nonce,
                login.component.encode(),
                [offer.encode() for offer in login.offers],
                login.chosen.encode(),
                login.binding_type.value.encode(),
                login.binding,
            ],
        )

    @given(_TRANSCRIPTS, _TRANSCRIPTS)
    def test_two_logins_never_look_the_same(self, one: Transcript, other: Transcript) -> None:
        same = one.encode(Prover.COMPONENT) == other.encode(Prover.COMPONENT)
        self.assertEqual(same, one == other)

    def test_what_stands_at_a_border_belongs_to_one_side(self) -> None:
        login = transcript(Scheme.ED25519)
        pairs = [
            (replace(login, offers=("a", "b")), replace(login, offers=("ab",))),
            (replace(login, offers=("a", "b"), chosen="c"), replace(login, offers=("a",), chosen="b")),
            (replace(login, offers=()), replace(login, offers=("",))),
            (replace(login, server="ab"), replace(login, server="a")),
        ]
        for one, other in pairs:
            self.assertNotEqual(one.encode(Prover.COMPONENT), other.encode(Prover.COMPONENT))

    def test_each_difference_shows(self) -> None:
        login = transcript(Scheme.ED25519)
        others = [other.encode(Prover.COMPONENT) for _, other in differing(login)]
        self.assertEqual(len({login.encode(Prover.COMPONENT), login.encode(Prover.CORE), *others}), 2 + len(others))

    def test_it_is_the_documented_one(self) -> None:
        example = re.search(r"<!-- transcript -->\n\n```\n(.*?)```", _PROTOCOL.read_text(), re.DOTALL)
        assert example is not None
        written = bytes.fromhex("".join(line.partition("  ")[0] for line in example[1].splitlines()))
        login = Transcript(
            "core.example",
            SERVER_NONCE,
            CLIENT_NONCE,
            "alice",
            ("ed25519", "SCRAM-SHA-256-PLUS"),
            "ed25519",
            BindingType.TLS_EXPORTER,
            EXPORTER,
        )
        self.assertEqual(written, login.encode(Prover.COMPONENT))

    def test_nonces_have_their_size(self) -> None:
        for size in (0, 31, 33):
            self.assertRaises(ValueError, replace, transcript(Scheme.ED25519), server_nonce=bytes(size))
            self.assertRaises(ValueError, replace, transcript(Scheme.ED25519), client_nonce=bytes(size))


class ChannelTests(Case):
    """On TLS a proof is bound, unless an operator wants it otherwise."""

    def test_tls_1_3_binds(self) -> None:
        channel = Channel(encrypted=True, exporter=EXPORTER)
        self.assertEqual(channel.binding(BindingType.TLS_EXPORTER), EXPORTER)
        self.assertRaises(Refused, channel.binding, BindingType.NONE)

    def test_older_tls_has_nothing_to_bind_to(self) -> None:
        channel = Channel(encrypted=True)
        self.assertRaises(Refused, channel.binding, BindingType.TLS_EXPORTER)
        self.assertRaises(Refused, channel.binding, BindingType.NONE)

    def test_an_operator_may_allow_unbound_proofs(self) -> None:
        for exporter in (EXPORTER, None):
            channel = Channel(encrypted=True, exporter=exporter, unbound_allowed=True)
            self.assertEqual(channel.binding(BindingType.NONE), b"")

    def test_allowing_unbound_proofs_does_not_invent_a_binding(self) -> None:
        channel = Channel(encrypted=True, unbound_allowed=True)
        self.assertRaises(Refused, channel.binding, BindingType.TLS_EXPORTER)

    def test_without_tls_there_is_no_binding(self) -> None:
        self.assertEqual(Channel(encrypted=False).binding(BindingType.NONE), b"")
        self.assertRaises(Refused, Channel(encrypted=False).binding, BindingType.TLS_EXPORTER)

    def test_a_binding_of_another_size_is_a_mistake(self) -> None:
        for size in (0, 31, 33):
            with self.assertRaises(ValueError):
                Channel(encrypted=True, exporter=bytes(size))

    def test_a_binding_is_not_shown(self) -> None:
        self.assertNotIn("EEEE", repr(Channel(True, EXPORTER)) + repr(transcript(Scheme.ED25519)))
