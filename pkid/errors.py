"""What can go wrong in pkid, as values.

An error carries a :class:`Reason` with a stable code for programs, the subject that it is about, and
one sentence for people. The doors map the classes to status codes; nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

__all__ = ["Malformed", "PkidError", "Reason", "Refused", "StateError", "Unavailable", "Unusable", "about"]


class Reason(Enum):
    """Why something was not done: a stable code, and a sentence that says what to do instead.

    ``{subject}`` in the sentence is replaced by the error's subject.
    """

    # The request itself
    NOT_PEM = "not-pem", "the body holds no PEM certificate request (DER is not read)"
    BAD_REQUEST = "bad-request", "the certificate request cannot be read: {subject}"
    BAD_SIGNATURE = "bad-signature", "the certificate request is not signed by the key that it holds"
    # Its key
    WEAK_KEY = "weak-key", "the key is not accepted ({subject}); use RSA of 2048 to 8192 bits, P-256, P-384, Ed25519"
    WEAK_DIGEST = "weak-digest", "the request is signed with {subject}; use SHA-256 or better"
    ISSUER_KEY = "issuer-key", "the key is the authority's own; make a new one"
    # Its names
    BAD_NAME = "bad-name", "the name {subject} is not acceptable"
    BAD_IDENTITY = "bad-identity", "the identity {subject} is not acceptable; write one as spiffe://TRUST-DOMAIN/NAME"
    NO_NAME = "no-name", "the request names no host; add subject alternative names, or a host name as common name"
    TOO_MANY_NAMES = "too-many-names", "the request holds {subject} names, which is more than are allowed"
    NOT_ALLOWED = "not-allowed", "the policy does not allow the name {subject}"
    TOO_LONG = "too-long", "a certificate is valid for {subject} at most, the core's --leaf-lifetime; ask for less"
    MORE_THAN_RENEWED = "more-than-renewed", "the certificate that is to be renewed does not have the name {subject}"
    WANTS_CA = "wants-ca", "the request asks to become a certificate authority; remove its basic constraints"
    # Commands
    COMMAND = "CLIParseError", "{subject}"  # the seeds' word, which their clients show
    CONTENT_TYPE = "content-type", "Not able to handle: {subject}; send the command as text/plain"
    # The caller
    UNAUTHORIZED = "unauthorized", "the credential was not accepted"
    RETIRED = (
        "retired",
        "the certificate was obtained by {subject}, which is not in service any more; get one by a current key",
    )
    CROSS_ORIGIN = "cross-origin", "a web page of another origin may not ask this core for anything"
    WRONG_HOST = (
        "wrong-host",
        "this core does not go by the name {subject}; use one of its names, or add that one with --host-dns-names",
    )
    # The broker: topics, names and rights
    BAD_TOPIC = (
        "bad-topic",
        "{subject} is no topic; write 1 to 16 segments parted by /, at most 255 bytes of printable characters without "
        "spaces, and in a pattern * or ** as a whole segment",
    )
    BAD_SUBJECT = "bad-subject", "{subject} is nobody; write a component's name, a pattern of names, or role:NAME"
    FORBIDDEN = "forbidden", "not allowed: {subject}"
    NOT_ADMIN = "not-admin", "only an admin who proved its name may do that"
    # The broker: logging in
    NAME_IN_USE = "name-in-use", "{subject} is already connected"
    PROOF_NEEDED = "proof-needed", "prove a name first; this broker serves nobody else"
    PROOF_FAILED = "proof-failed", "the proof was not accepted"
    OUT_OF_ORDER = "out-of-order", "that cannot be said now"
    BAD_LINE = "bad-line", "the line cannot be read: {subject}"
    # The broker: registering keys
    WRONG_PIN = "wrong-pin", "the PIN is not accepted; ask an admin for one"
    NAME_TAKEN = "name-taken", "{subject} has rights or a key already; an admin, or a PIN for this name, can add a key"
    NOT_ENTITLED = (
        "not-entitled",
        "a key for {subject} can be registered with a PIN, by itself once it proved its name by a key or by a "
        "pre-shared key that lists it, or by an admin",
    )
    KEPT_ELSEWHERE = "kept-elsewhere", "no key of {subject} is in the core's own store; remove it where it is kept"
    # The broker: messages and calls
    BAD_MESSAGE = "bad-message", "the message cannot be read: {subject}"
    LIMIT = "limit", "the limit is reached: {subject}"
    NOT_EXPOSED = "not-exposed", "nobody exposes {subject}"
    NO_EXPOSER = "no-exposer", "whoever exposes {subject} is not connected"
    LOOPBACK = "loopback", "nobody but the caller exposes {subject}"
    TARGET_UNKNOWN = "target-unknown", "there is no component {subject}"
    TARGET_DOWN = "target-down", "{subject} is not connected"
    CALL_TIMED_OUT = "call-timed-out", "{subject} was not answered in time"
    EXPOSER_LOST = "exposer-lost", "{subject} was not answered, its exposer is gone"
    # The core
    BUSY = "busy", "too many requests are waiting; try again"
    STORE = "store", "the ledger cannot be written; try again"
    SEARCH = "search", "the ledger cannot be read; try again"
    SLOW_SEARCH = "slow-search", "the search takes more than {subject}; narrow it, by name, not_after or issued_at"
    UNKNOWN_ISSUER = "unknown-issuer", "no CA with the fingerprint {subject} issued here; ca list tells all"
    ISSUER_IN_USE = "issuer-in-use", "{subject} issues with this key; replace it by a CA with another key first"
    EXPIRED_ISSUER = "expired-issuer", "the authority's own certificate is not valid now"
    SELF_TEST = "self-test", "the authority's self-test failed: {subject}"
    STOPPING = "stopping", "the core is stopping; try again"

    code: str
    sentence: str

    def __new__(cls, code: str, sentence: str) -> Reason:
        """Make the code the value, so that ``Reason("weak-key")`` finds a member."""
        member = object.__new__(cls)
        member._value_ = code
        member.code = code
        member.sentence = sentence
        return member


class PkidError(Exception):
    """The base of all errors that pkid raises on purpose.

    :ivar reason: why.
    :ivar subject: what it is about (a name, a key type); never a secret.
    """

    def __init__(self, reason: Reason, subject: str = "") -> None:
        self.reason = reason
        self.subject = subject
        super().__init__(reason.sentence.format(subject=subject))


class Malformed(PkidError):
    """The input cannot be understood; sending it again will not help."""


class Refused(PkidError):
    """The input was understood and is not allowed."""


class Unavailable(PkidError):
    """Not now: the same input may succeed later.

    :ivar retry_after: seconds to wait before trying again.
    """

    def __init__(self, reason: Reason, subject: str = "", retry_after: int = 1) -> None:
        super().__init__(reason, subject)
        self.retry_after = retry_after


class StateError(Exception):
    """Something that the daemon needs at start cannot be used; nothing was changed.

    :ivar path: the file or directory, or a setting's name.
    :ivar problem: what is wrong with it.
    :ivar remedy: what to do.
    """

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{path} {problem}; {remedy}")


class Unusable(Exception):
    """The content of a file cannot be used; who knows the file makes a :class:`StateError` of it.

    :ivar problem: what is wrong with it: half a sentence that follows the file's name.
    :ivar remedy: what to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


@contextmanager
def about(path: Path | str, remedy: str | None = None) -> Iterator[None]:
    """Make a :class:`StateError` about a file of each :class:`Unusable` in the block.

    :param remedy: what to do, if there is something better than what the error says.
    """
    try:
        yield
    except Unusable as error:
        raise StateError(path, error.problem, remedy or error.remedy) from None
