"""How many proofs of the broker's login the core checks in a second of processor time, for each scheme.

The core's part alone: no TLS, no broker, a keyring in memory, the pre-shared key's derivation remembered.

    .venv/bin/python bench/login.py [--seconds 1]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar

from twisted.internet.defer import execute, succeed

from pkid.auth.authentication import Authentication
from pkid.auth.component_keyring import Material, MemoryKeyring, SharedSecret, StoredCredential
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.login import Login
from pkid.auth.logins import Logins
from pkid.auth.plain import secret_digest
from pkid.auth.proofs import Admission, Greeting, PlainProof, Proof, ScramAnswer, ScramFinish, ScramStart, SignedProof
from pkid.auth.psk import PreSharedKey
from pkid.auth.psk_proof import PskProof, authentication_code
from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramVerifier
from pkid.auth.scram_client import ScramClient
from pkid.auth.signatures import scheme_of, sign
from pkid.auth.tokens import derive_key
from pkid.auth.transcript import BindingType, Channel, Prover, Transcript
from pkid.auth.unbound import PreSharedKeys, StoredKeys, Surroundings
from pkid.ca.keys import KeyType
from pkid.ca.names import TrustDomain

T = TypeVar("T")
BOUND = BindingType.TLS_EXPORTER
CHANNEL = Channel(True, os.urandom(32))
GREETING = Greeting("core.example", os.urandom(32), CHANNEL, tuple(Scheme))
NONCE, SALT, PASSWORD = os.urandom(32), os.urandom(16), "correct horse battery"
PSK = PreSharedKey("default", "0123456789abcdef0123456789abcdef")
DERIVATION = KeyDerivation(lambda work: execute(work), workers=1)
PSKS = Keyring([PSK], time.time)


def main() -> None:
    """Measure each scheme, and print one line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    for kind in (KeyType.RSA2048, KeyType.RSA3072, KeyType.P256, KeyType.P384, KeyType.ED25519):
        report(kind.value, options.seconds, signature(kind))
    report("SCRAM-SHA-256-PLUS", options.seconds, scram())
    report("psk_hmac_sha256", options.seconds, pre_shared_key())
    report("plain_secret_sha256", options.seconds, secret())


def report(case: str, seconds: float, attempt: Callable[[], None]) -> None:
    """Try for so many seconds of processor time, and print how often that was."""
    attempt()
    start, count = time.process_time(), 0
    while (spent := time.process_time() - start) < seconds:
        attempt()
        count += 1
    print(f"{case:25} {count / spent:>8.0f} logins/cpu-s {spent / count * 1e6:>8.0f} us")


def transcript(login: Login, scheme: Scheme, *, offered: bool = True) -> Transcript:
    """Return what an honest component saw."""
    offers = outcome(login.offer("alice")) if offered else tuple(each.value for each in GREETING.accepted)
    value = CHANNEL.binding(BOUND)
    return Transcript(GREETING.server, GREETING.nonce, NONCE, "alice", offers, scheme.value, BOUND, value)


def signature(kind: KeyType) -> Callable[[], None]:
    """Return an attempt with a key."""
    key = kind.generate()
    keyring, scheme = keyring_with(key.public_key()), scheme_of(key.public_key())
    proof = SignedProof(scheme, NONCE, BOUND, sign(key, transcript(new_login(keyring), scheme)))
    return lambda: admit(new_login(keyring), proof)


def scram() -> Callable[[], None]:
    """Return an attempt with a password; the component's derivation was done before."""
    keyring = keyring_with(ScramVerifier.make(PASSWORD, SALT))
    login = new_login(keyring)
    client = ScramClient(PASSWORD, transcript(login, Scheme.SCRAM_PLUS))
    start = ScramStart(Scheme.SCRAM_PLUS, NONCE, client.start())
    answer = outcome(login.prove("alice", start))
    assert isinstance(answer, ScramAnswer)
    finish = ScramFinish(client.prove(answer.message))

    def attempt() -> None:
        login = new_login(keyring)
        outcome(login.offer("alice"))
        outcome(login.prove("alice", start))
        assert isinstance(outcome(login.prove("alice", finish)), Admission)

    return attempt


def pre_shared_key() -> Callable[[], None]:
    """Return an attempt with the pre-shared key."""
    keyring = MemoryKeyring()
    seen = transcript(new_login(keyring), Scheme.PSK, offered=False)
    code = authentication_code(derive_key(PSK.secret, SALT), seen, Prover.COMPONENT)
    proof = PskProof(PSK.name, SALT, NONCE, BOUND, code)
    return lambda: admit(new_login(keyring), proof, offered=False)


def secret() -> Callable[[], None]:
    """Return an attempt with a shared secret, in the plain form."""
    keyring = keyring_with(SharedSecret(PASSWORD))
    return lambda: admit(new_login(keyring), PlainProof(secret_digest(GREETING.nonce, PASSWORD)))


def keyring_with(material: Material) -> MemoryKeyring:
    """Return a keyring in which alice has one credential."""
    keyring = MemoryKeyring()
    outcome(keyring.add(StoredCredential("1", "alice", material)))
    return keyring


def new_login(keyring: MemoryKeyring) -> Login:
    """Return the login of a new connection."""
    return logins(keyring).begin(GREETING, "192.0.2.1")


@cache
def logins(keyring: MemoryKeyring) -> Logins:
    """Return what begins logins by this keyring, and by the pre-shared key."""
    core = Surroundings(
        PSKS, DERIVATION, keyring, lambda _: keyring, TrustDomain("pkid.internal"), lambda _: succeed(None),
        lambda _: False, lambda _: False, time.time, time.monotonic,
    )  # fmt: skip
    return Authentication([("psk", PreSharedKeys()), ("store", StoredKeys())], core).logins


def admit(login: Login, proof: Proof, *, offered: bool = True) -> None:
    """Let alice in, after she asked what is offered or at once."""
    if offered:
        outcome(login.offer("alice"))
    assert isinstance(outcome(login.prove("alice", proof)), Admission)


def outcome(work: Awaitable[T]) -> T:
    """Return what comes of work that waits for nothing longer than itself."""
    try:
        next(work.__await__())
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("the work waits for something")


if __name__ == "__main__":
    main()
