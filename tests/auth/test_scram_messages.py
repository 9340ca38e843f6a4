"""The messages of SCRAM: what is no message is refused, and nothing else ever happens."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pkid.auth.scram_messages import ClientFinal, ClientFirst, ServerFinal, ServerFirst
from pkid.auth.transcript import BindingType
from pkid.errors import Malformed
from tests.support import Case

Kind = type[ClientFirst] | type[ServerFirst] | type[ClientFinal] | type[ServerFinal]
KINDS: tuple[Kind, ...] = (ClientFirst, ServerFirst, ClientFinal, ServerFinal)
DIGEST = b"A" * 43 + b"="
GOOD: dict[Kind, bytes] = {
    ClientFirst: b"p=tls-exporter,,n=alice,r=abc",
    ServerFirst: b"r=abcdef,s=c2FsdHNhbHQ=,i=4096",
    ClientFinal: b"c=biws,r=abcdef,t=" + DIGEST + b",p=" + DIGEST,
    ServerFinal: b"v=" + DIGEST,
}
BAD: dict[Kind, tuple[bytes, ...]] = {
    ClientFirst: (
        b"n=alice,r=abc",
        b"x,,n=alice,r=abc",
        b"p=tls-unique,,n=alice,r=abc",
        b"n,a=bob,n=alice,r=abc",
        b"n,,m=1,n=alice,r=abc",
        b"n,,r=abc,n=alice",
        b"n,,n=alice,r=",
        b"n,,n=,r=abc",
        b"n,,n=a=2Cb,r=abc",
        b"n,,n=" + b"a" * 129 + b",r=abc",
        b"n,,n=alice,r=abc,x=1",
        b"n,,n=alice,r=a b",
        b"n,,n=alice,r=abc\n",
    ),
    ServerFirst: (
        b"r=abc,s=c2FsdA==,i=0",
        b"r=abc,s=c2FsdA==,i=-1",
        b"r=abc,s=c2FsdA==,i=04096",
        b"r=abc,s=c2FsdA==,i=1234567890",
        b"r=abc,s=c2FsdA,i=4096",
        b"r=abc,s=c2FsdB==,i=4096",
        b"r=abc,s=c2 Fsd==,i=4096",
        b"m=1,r=abc,s=c2FsdA==,i=4096",
        b"r=abc,s=c2FsdA==,i=4096,x=1",
        b"e=unknown-user",
    ),
    ClientFinal: (
        b"c=biws,r=abc,p=" + DIGEST,
        b"c=biws,r=abc,t=" + DIGEST,
        b"c=biws,r=abc,t=" + DIGEST + b",x=1,p=" + DIGEST,
        b"c=biws,r=abc,t=" + DIGEST + b",p=" + DIGEST + b"\n",
        b"c=biws,r=abc,t=" + DIGEST + b",p=" + b"A" * 44 + b"=",
    ),
    ServerFinal: (b"v=", b"v=" + DIGEST[:-1], b"v=" + b"A" * 42 + b"B=", b"e=other-error"),
}


class MessageTests(Case):
    """Reading is strict."""

    def test_what_is_good_is_written_as_it_was_read(self) -> None:
        for kind, message in GOOD.items():
            self.assertEqual(kind.read(message).encode(), message)

    def test_anything_else_is_malformed(self) -> None:
        for kind, messages in BAD.items():
            for message in messages:
                self.assertRaises(Malformed, kind.read, message)

    def test_a_long_message_is_malformed(self) -> None:
        for kind in KINDS:
            self.assertRaises(Malformed, kind.read, GOOD[kind] + b"A" * 1024)

    @given(st.sampled_from(KINDS), st.binary(max_size=200))
    @example(ClientFirst, "n,,n=alïce,r=abc".encode("latin-1"))
    def test_of_any_bytes_comes_a_message_or_malformed(self, kind: Kind, message: bytes) -> None:
        self.read(kind, message)

    @given(st.sampled_from(KINDS), st.data())
    def test_of_a_changed_message_too(self, kind: Kind, data: st.DataObject) -> None:
        good = GOOD[kind]
        place = data.draw(st.integers(0, len(good)))
        self.read(kind, good[:place] + data.draw(st.binary(max_size=3)) + good[place + data.draw(st.integers(0, 3)) :])

    def read(self, kind: Kind, message: bytes) -> None:
        """Read a message; what is read is what was written, whatever it was."""
        try:
            found = kind.read(message)
        except Malformed:
            return
        self.assertEqual(found.encode(), message)

    def test_the_flag_says_what_the_client_believes(self) -> None:
        self.assertTrue(ClientFirst.read(b"y,,n=alice,r=abc").claims_that_binding_is_missing)
        for binding in BindingType:
            self.assertFalse(ClientFirst.make("alice", "abc", binding).claims_that_binding_is_missing)

    def test_proofs_are_not_shown(self) -> None:
        self.assertNotIn("AAAA", repr(ServerFinal(b"AAAA")) + repr(ClientFinal(b"AAAA", "n", b"", b"AAAA")))
