"""SCRAM-SHA-256 (RFC 5802, RFC 7677): what the core stores of a password, and its side of the exchange.

The core never knows the password, and deriving the keys is the client's work. Passwords are printable ASCII: for these
SASLprep (RFC 4013) changes nothing, so it is not needed; others are refused when they are set.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from pkid.auth.scram_messages import ClientFinal, ClientFirst, ServerFinal, ServerFirst
from pkid.auth.transcript import Prover, Transcript
from pkid.errors import Reason, Refused, Unusable

__all__ = [
    "DEFAULT_ITERATIONS",
    "FEWEST_ITERATIONS",
    "ScramServer",
    "ScramVerifier",
    "auth_message",
    "keyed_digest",
    "salted_password",
]

FEWEST_ITERATIONS = 4096
"""RFC 7677, section 4."""

DEFAULT_ITERATIONS = 15_000
"""The rule of thumb of RFC 7677, section 4; about 8 ms of the client's time."""

_MOST_ITERATIONS = 999_999_999
_SHORTEST_SALT = 8  # bytes


@dataclass(frozen=True, slots=True)
class ScramVerifier:
    """What tells the core that a client knows a password, and a client that the core knows it (RFC 5802, section 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def make(cls, password: str, salt: bytes, iterations: int = DEFAULT_ITERATIONS) -> ScramVerifier:
        """Derive the verifier; takes milliseconds, so not on the reactor.

        :param salt: random bytes, at least 8, fresh for each password.
        :raises Unusable: when the password is not 1 or more printable ASCII characters.
        :raises ValueError: for a short salt, or fewer than 4096 iterations.
        """
        if len(salt) < _SHORTEST_SALT or not FEWEST_ITERATIONS <= iterations <= _MOST_ITERATIONS:
            raise ValueError("the salt is too short, or the number of iterations out of range")
        salted = salted_password(password, salt, iterations)
        client_key = keyed_digest(salted, b"Client Key")
        return cls(salt, iterations, sha256(client_key).digest(), keyed_digest(salted, b"Server Key"))

    def accepts(self, message: bytes, proof: bytes) -> bool:
        """Tell whether a proof over the AuthMessage is good."""
        signature = keyed_digest(self.stored_key, message)
        if len(proof) != len(signature):
            return False
        client_key = (int.from_bytes(proof, "big") ^ int.from_bytes(signature, "big")).to_bytes(len(proof), "big")
        return hmac.compare_digest(sha256(client_key).digest(), self.stored_key)

    def sign(self, message: bytes) -> bytes:
        """Return the core's own proof over the AuthMessage."""
        return keyed_digest(self.server_key, message)


class ScramServer:
    """The core's side of one exchange, in two steps; it is good for one attempt.

    The nonces are those of the login, in base64. The transcript's binding type says whether the client's proof must be
    bound to the connection.
    """

    def __init__(self, verifier: ScramVerifier, transcript: Transcript, *, offers_binding: bool) -> None:
        self._verifier = verifier
        self._transcript = transcript
        self._offers_binding = offers_binding
        self._said: tuple[ClientFirst, str, bytes] | None = None  # and both nonces, and the answer

    def answer(self, message: bytes) -> bytes:
        """Take the client's first message, and return the core's.

        :raises Malformed: ``proof-failed`` when it cannot be read.
        :raises Refused: ``proof-failed`` when it does not fit the login, or is a downgrade.
        """
        first, login = ClientFirst.read(message), self._transcript
        expected = ClientFirst.make(login.component, _nonce(login.client_nonce), login.binding_type)
        downgraded = first.claims_that_binding_is_missing and self._offers_binding
        headers = {expected.header, b"y,," if expected.header == b"n,," else expected.header}
        if self._said is not None or downgraded or first.bare != expected.bare or first.header not in headers:
            raise Refused(Reason.PROOF_FAILED)
        nonce = first.nonce + _nonce(login.server_nonce)
        answer = ServerFirst(nonce, self._verifier.salt, self._verifier.iterations).encode()
        self._said = first, nonce, answer
        return answer

    def finish(self, message: bytes) -> bytes:
        """Take the client's final message, and return the core's, which proves the core.

        :raises Malformed: ``proof-failed`` when it cannot be read.
        :raises Refused: ``proof-failed`` when the proof is not good, or came before the first message.
        """
        if self._said is None:
            raise Refused(Reason.PROOF_FAILED)
        (first, nonce, answer), self._said = self._said, None
        final, login = ClientFinal.read(message), self._transcript
        expected, unproven = ClientFinal(first.header + login.binding, nonce, _digest(login)), final.unproven
        covered = auth_message(first.bare, answer, unproven)
        is_good = self._verifier.accepts(covered, final.proof)
        if not (hmac.compare_digest(expected.unproven, unproven) and is_good):
            raise Refused(Reason.PROOF_FAILED)
        return ServerFinal(self._verifier.sign(covered)).encode()


def salted_password(password: str, salt: bytes, iterations: int) -> bytes:
    """Derive the 256-bit key of a password by PBKDF2-HMAC-SHA256.

    :raises Unusable: when the password is not 1 or more printable ASCII characters.
    """
    if not password or not password.isascii() or not password.isprintable():
        raise Unusable("is no password", "use printable ASCII characters")
    return PBKDF2HMAC(hashes.SHA256(), 32, salt, iterations).derive(password.encode("ascii"))


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA256."""
    return hmac.digest(key, message, "sha256")


def auth_message(client_first_bare: bytes, server_first: bytes, client_final_unproven: bytes) -> bytes:
    """Return what both proofs cover (RFC 5802, section 3)."""
    return b",".join((client_first_bare, server_first, client_final_unproven))


def _nonce(nonce: bytes) -> str:
    return base64.b64encode(nonce).decode("ascii")


def _digest(transcript: Transcript) -> bytes:
    return sha256(transcript.encode(Prover.COMPONENT)).digest()
