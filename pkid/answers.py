"""What the core's answers mean, to one who asked for a certificate.

Pure: knows status codes, headers and bodies, whatever carried them; must not know what is to be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPMessage

from cryptography import x509

from pkid.ca.chain import UNREADABLE

__all__ = [
    "Answer",
    "BadAnswer",
    "Busy",
    "CoreError",
    "Rejected",
    "busy",
    "certificates",
    "clock_offset",
    "endorsements",
    "succeeded",
]

_MOST_SHOWN = 1000  # characters of a stranger's sentence that an error repeats
_LARGEST_OFFSET = 300  # seconds; a clock that is further off must be set
_WITHIN_SECOND = 0.9  # a Date tells no fractions, and tokens that are older than the core are not accepted


class CoreError(Exception):
    """The core could not be asked, or did not do what it was asked: the sentence says why, and what to do."""


class BadAnswer(CoreError):
    """What answered does not answer as a core does."""


class Busy(CoreError):
    """The core asks to come again later (503).

    :ivar retry_after: seconds after which it wants to be asked again, or ``None``.
    """

    def __init__(self, message: str, retry_after: int | None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Rejected(CoreError):
    """The core understood, and said no.

    :ivar status: the HTTP status.
    :ivar code: the core's stable word for the reason (a value of :class:`pkid.errors.Reason`), or empty.
    """

    def __init__(self, message: str, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    headers: HTTPMessage
    body: bytes


def succeeded(answer: Answer) -> Answer:
    """Return an answer with status 200.

    :raises CoreError: for any other.
    """
    if answer.status == HTTPStatus.OK:
        return answer
    if 300 <= answer.status < 400:
        raise BadAnswer(f"the core's address redirects ({answer.status}), which is not followed; give the core's own")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise Rejected(
            "the core did not accept the pre-shared key (401); compare it with the core's, and the clocks of both",
            answer.status,
            "",
        )
    code, sentence = _reason(answer)
    raise Rejected(f"the core said no ({answer.status}): {sentence}", answer.status, code)


def busy(answer: Answer) -> Busy:
    """Return the error for an answer with status 503."""
    value = answer.headers.get("Retry-After", "")
    retry_after = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    return Busy(f"the core is busy (503): {_reason(answer)[1]}", retry_after)


def _reason(answer: Answer) -> tuple[str, str]:
    """Return the code and the sentence of an error, fit for a terminal; the first is empty for a stranger's text."""
    text = answer.body[: 4 * _MOST_SHOWN].decode("utf-8", "replace")
    lines = ["".join(filter(str.isprintable, line))[:_MOST_SHOWN] for line in text.splitlines()]
    match lines:
        case [first, second, *_] if first.startswith("Error: ") and second.startswith("Message: "):
            return first.removeprefix("Error: "), second.removeprefix("Message: ")
    return "", lines[0] if lines else "nothing more"


def certificates(answer: Answer) -> list[x509.Certificate]:
    """Return the certificates in an answer, at least one."""
    try:
        return x509.load_pem_x509_certificates(answer.body)
    except UNREADABLE:
        raise BadAnswer("the answer holds no certificate; see that the address is a core's") from None


def endorsements(answer: Answer) -> list[bytes]:
    """Return the tokens that vouch for the certificate; beside the seeds' header, one for each key in rotation."""
    bearer = [value[7:] for value in answer.headers.get_all("Authorization", []) if value[:7].lower() == "bearer "]
    others = answer.headers.get_all("PKID-Fingerprint-Token", [])
    return [token.encode("utf-8", "replace") for token in (*bearer, *others)]


def clock_offset(answer: Answer, now: float) -> float:
    """Return the seconds by which the core's clock is ahead of ours, by the answer's ``Date``.

    It is 0 when the answer does not tell, or the clocks differ by more than five minutes.

    :param now: when the answer came, seconds since the epoch.
    """
    try:
        offset = parsedate_to_datetime(answer.headers["Date"]).timestamp() + _WITHIN_SECOND - now
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return offset if abs(offset) <= _LARGEST_OFFSET else 0.0
