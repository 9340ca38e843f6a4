"""The authority's pages: its certificate, for everybody; signing and renewing, for members."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from pkid.audit import Action, allowed, certificate_facts, denied
from pkid.auth.credentials import IMember, Right
from pkid.auth.endorsement import Endorsements
from pkid.auth.keyring import Keyring
from pkid.ca.authority import Authority, Order
from pkid.ca.ledger import Entry
from pkid.ca.trust import fingerprint
from pkid.errors import PkidError
from pkid.issuance import Issuance
from pkid.web.guard import Guard
from pkid.web.incoming import selected_key
from pkid.web.rendering import Answer, PromptPage, ProtectedPage
from pkid.web.request import BoundedRequest

__all__ = ["CertificatePage", "RenewPage", "SignPage"]

_PEM_FILE = "application/x-pem-file"


class CertificatePage(PromptPage):
    """``GET /ca/cert``: the root's certificate, with the core's word for it in the ``Authorization`` header.

    :param authority: tells which root is the current one.
    :param endorsements: make that word, one for each key in service; those of other keys are in other headers.
    :param keyring: has the keys of which a path may select one.
    """

    _anchor: x509.Certificate | None = None

    def __init__(self, authority: Authority, endorsements: Endorsements, keyring: Keyring) -> None:
        super().__init__()
        self._authority = authority
        self._endorsements = endorsements
        self._keyring = keyring

    def prompt(self, request: BoundedRequest) -> Answer:
        """Answer with the certificate."""
        self._look_again()
        return Answer(
            self._pem,
            content_type=_PEM_FILE,
            headers=(
                ("SHA256-Fingerprint", self._fingerprint),
                ("Content-Disposition", 'attachment; filename="pkid_root_ca.pem"'),
                *self._words(request),
            ),
        )

    def _words(self, request: BoundedRequest) -> Iterator[tuple[str, str]]:
        """Yield the headers that vouch for the certificate, the one that the original components read first."""
        selected, _ = selected_key(request.path, self._keyring)
        if selected is None:
            tokens = self._endorsements.tokens(self._fingerprint)
        else:
            tokens = self._endorsements.tokens_of(selected, self._fingerprint)
        for number, token in enumerate(tokens):
            yield ("PKID-Fingerprint-Token", token) if number else ("Authorization", f"Bearer {token}")

    def _look_again(self) -> None:
        """Write the certificate anew if it is another one now."""
        anchor = self._authority.issuer.anchor
        if anchor is not self._anchor:
            self._anchor = anchor
            self._pem = anchor.public_bytes(Encoding.PEM)
            self._fingerprint = fingerprint(anchor.public_bytes(Encoding.DER))


class SignPage(ProtectedPage):
    """``POST /ca/sign``: a certificate for the request in the body, once it stands in the ledger."""

    methods: ClassVar = ("POST",)
    body_limit: ClassVar = 64 * 1024
    right: ClassVar = Right.ISSUE
    action: ClassVar = Action.SIGN

    def __init__(self, guard: Guard, issuance: Issuance) -> None:
        super().__init__(guard)
        self._issuance = issuance

    def answer(self, request: BoundedRequest, member: IMember) -> Deferred[Answer]:
        """Answer with the certificate, and the intermediates that lead from it to the root, if there are any."""
        order = Order(request.body, member.credential, member.policy, renews=member.certificate)
        whose = member.credential, request.peer
        return self._issuance.order(order).addCallbacks(
            self._issued, self._not_issued, callbackArgs=whose, errbackArgs=whose
        )

    def _issued(self, entry: Entry, credential: str, peer: str) -> Answer:
        allowed(self.action, credential, peer, **certificate_facts(entry))
        headers = (("SHA256-Fingerprint", fingerprint(entry.certificate)),)
        return Answer(self._issuance.pem_chain(entry), content_type=_PEM_FILE, headers=headers)

    def _not_issued(self, failure: Failure, credential: str, peer: str) -> Failure:
        if isinstance(error := failure.value, PkidError):
            denied(self.action, credential, peer, error.reason.code, message=str(error))
        return failure


class RenewPage(SignPage):
    """``POST /ca/renew``: the same for who shows a certificate of ours in the TLS handshake; no token is needed.

    The new certificate names nothing that the shown one does not.
    """

    right: ClassVar = Right.RENEW
    action: ClassVar = Action.RENEW

    def admit(self, request: BoundedRequest) -> Deferred[IMember]:
        """Fire with whose certificate was shown."""
        return self._guard.admit_certificate(request)
