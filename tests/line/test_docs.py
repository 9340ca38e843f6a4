"""The examples of the page: each is read by the codec, and happens at the door as it is written."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.task import Clock

from pkid.auth.proofs import ScramAnswer, ScramFinish, ScramStart, SignedProof
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramServer, ScramVerifier
from pkid.auth.signatures import sign, verify
from pkid.auth.transcript import BindingType, Transcript
from pkid.broker.changes import AssignRole
from pkid.broker.effects import Authenticate, LookUp
from pkid.broker.inputs import Admitted, Challenged, Known
from pkid.broker.states import TABLE, State
from pkid.line.approach import SCHEMES
from pkid.line.commands import ARITIES
from pkid.line.events import EVENT_ARITIES
from pkid.line.factory import LineFactory
from pkid.line.writing import encode_base64url
from tests.line.service import NONCE, MemoryMessaging
from tests.line.test_protocol import Wire
from tests.support import Case

PAGE = (Path(__file__).parent.parent.parent / "docs" / "protocol.md").read_text().partition("# The line protocol\n")[2]
EXAMPLES = re.findall(r"```example\n(.*?)```", PAGE, re.DOTALL)
NAMED = frozenset({"bob"})
"""Names that have a key, in the examples that ask for a proof of them."""
KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
ACCEPTED = tuple(scheme.value for scheme in SCHEMES if scheme not in {Scheme.SCRAM_PLUS, Scheme.CERTIFICATE})


def login(name: str, scheme: Scheme) -> Transcript:
    """Return what a proof of the examples covers."""
    return Transcript("pkid", NONCE, b"\2" * 32, name, ACCEPTED, scheme.value, BindingType.NONE, b"")


LOGIN = login("carol", Scheme.ED25519)
SECOND_LOGIN = login("dora", Scheme.SCRAM)
PASSWORD = ScramVerifier.make("correct horse", b"\3" * 16, 15_000)


class Conversation:
    """One example: several clients of one door."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.messaging = MemoryMessaging(self.clock)
        AssignRole("superuser", "admin").apply(self.messaging.broker.rights)
        self.factory = LineFactory(self.messaging, self.clock)
        self.wires: dict[str, Wire] = {}
        self.scram = ScramServer(PASSWORD, SECOND_LOGIN, offers_binding=False)

    def hold(self, example: str) -> str:
        """Say what the clients say, and return the example with what they are told."""
        written: list[str] = []
        for name, said in re.findall(r"^(\w+)> ?(.*)$", example, re.MULTILINE):
            self.connect(name).protocol.dataReceived(f"{said}\n".encode())  # type: ignore[attr-defined]
            self.log_in()
            self.clock.advance(0)
            written.append(f"{name}> {said}".rstrip())
            written += [line for each in self.wires for line in self.told(each)]
        return "\n".join(written) + "\n"

    def connect(self, name: str) -> Wire:
        """Return a client's wire; the first time, connect it."""
        if name not in self.wires:
            wire = self.wires[name] = Wire()
            wire.protocol = self.factory.buildProtocol(None)  # type: ignore[attr-defined]
            wire.protocol.makeConnection(wire)  # type: ignore[attr-defined]
            self.clock.advance(0)
            wire.clear()
        return self.wires[name]

    def told(self, name: str) -> list[str]:
        """Return the lines that a client was told."""
        said = self.wires[name].value().decode()
        self.wires[name].clear()
        return [f"{name}< {line}" for line in said.splitlines() if line]

    def log_in(self) -> None:
        """Answer the broker's question: who has a key is challenged, and a signature is verified."""
        while self.messaging.asked:
            match self.messaging.asked[0]:
                case LookUp(_, name):
                    self.messaging.answer(Known(("ed25519",) if name in NAMED else ()))
                case Authenticate(_, name, SignedProof() as proof):
                    verify(KEY.public_key(), LOGIN, proof.signature)
                    self.messaging.answer(Admitted(name))
                case Authenticate(_, _, ScramStart() as proof):
                    self.messaging.answer(Challenged(ScramAnswer(self.scram.answer(proof.message))))
                case Authenticate(_, name, ScramFinish() as proof):
                    self.messaging.answer(Admitted(name, self.scram.finish(proof.message)))
                case Authenticate(_, name):
                    self.messaging.answer(Admitted(name))


class ExampleTests(Case):
    """What the page shows is what happens."""

    maxDiff = None

    def test_each_example_happens_as_it_is_written(self) -> None:
        signature = encode_base64url(sign(KEY, LOGIN))
        self.assertGreater(len(EXAMPLES), 5)
        for example in EXAMPLES:
            expected = example.replace("SIGNATURE", signature)
            self.assertEqual(sort(Conversation().hold(expected)), sort(expected))

    def test_each_verb_is_in_an_example(self) -> None:
        typed = set(re.findall(r"^\w+> (?:#\S+ )?([A-Z_]+)", "".join(EXAMPLES), re.MULTILINE))
        self.assertEqual(set(ARITIES) - typed, set())

    def test_each_verb_is_on_the_page_and_so_is_all_that_the_core_says(self) -> None:
        words = set(re.findall(r"[A-Z_]{2,}", PAGE))
        self.assertEqual((set(ARITIES) | set(EVENT_ARITIES)) - words, set())

    def test_each_state_is_in_the_table(self) -> None:
        asked = {state.value for state, _ in TABLE} - {State.IDENTIFYING.value, State.VERIFYING.value}
        table = PAGE.partition("## States")[2].partition("\n\n|")[2].partition("\n\n")[0]
        self.assertEqual({row.split("|")[1].strip() for row in table.splitlines()[2:] if row} - {"any"}, asked)


def sort(example: str) -> list[str]:
    """Return an example with what several clients hear of one line in the order of their names."""
    parts = re.split(r"^(?=\w+> )", example, flags=re.MULTILINE)
    return ["\n".join([part.split("\n")[0], *sorted(part.split("\n")[1:])]) for part in parts]
