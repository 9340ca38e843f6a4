"""The component's side of a SCRAM exchange: proves a password, and makes the core prove that it knows its verifier."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

from pkid.auth.scram import FEWEST_ITERATIONS, auth_message, keyed_digest, salted_password
from pkid.auth.scram_messages import ClientFinal, ClientFirst, ServerFinal, ServerFirst
from pkid.auth.transcript import Prover, Transcript
from pkid.errors import Reason, Refused

__all__ = ["ScramClient"]

_MOST_ITERATIONS = 1_000_000
"""About half a second; a core that asks for more wants to keep its client busy."""


class ScramClient:
    """One exchange; the transcript is of what the component itself saw and sent."""

    def __init__(self, password: str, transcript: Transcript) -> None:
        self._password = password
        self._transcript = transcript
        nonce = base64.b64encode(transcript.client_nonce).decode("ascii")
        self._first = ClientFirst.make(transcript.component, nonce, transcript.binding_type)
        self._expected = b""

    def start(self) -> bytes:
        """Return the first message."""
        return self._first.encode()

    def prove(self, message: bytes) -> bytes:
        """Take the core's first message, and return the proof; derives a key, so not on a reactor.

        :raises Malformed: ``proof-failed`` when it cannot be read.
        :raises Refused: ``proof-failed`` for a foreign nonce, or a number of iterations that is too low or too high.
        """
        answer, login = ServerFirst.read(message), self._transcript
        nonce = self._first.nonce + base64.b64encode(login.server_nonce).decode("ascii")
        if answer.nonce != nonce or not FEWEST_ITERATIONS <= answer.iterations <= _MOST_ITERATIONS:
            raise Refused(Reason.PROOF_FAILED)
        digest = sha256(login.encode(Prover.COMPONENT)).digest()
        unproven = ClientFinal(self._first.header + login.binding, nonce, digest)
        covered = auth_message(self._first.bare, message, unproven.unproven)
        return ClientFinal(unproven.binding, nonce, digest, self._sign(answer, covered)).encode()

    def check(self, message: bytes) -> None:
        """Check the core's proof, in its final message.

        :raises Malformed: ``proof-failed`` when it cannot be read.
        :raises Refused: ``proof-failed`` when it is wrong, or nothing was proved yet.
        """
        signature = ServerFinal.read(message).signature
        if not hmac.compare_digest(self._expected, signature):
            raise Refused(Reason.PROOF_FAILED)

    def _sign(self, answer: ServerFirst, covered: bytes) -> bytes:
        """Return the component's proof, and note what the core's will be."""
        salted = salted_password(self._password, answer.salt, answer.iterations)
        client_key = keyed_digest(salted, b"Client Key")
        self._expected = keyed_digest(keyed_digest(salted, b"Server Key"), covered)
        signature = keyed_digest(sha256(client_key).digest(), covered)
        return bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
