"""Proofs of a login as words of a line: bytes in base64url, SCRAM's messages as they are."""

from __future__ import annotations

from pkid.auth.proofs import (
    CertificateProof,
    PasswordProof,
    PlainProof,
    Proof,
    ScramFinish,
    ScramStart,
    SignedProof,
)
from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import PLAIN, SCRAM, SIGNATURES, Scheme
from pkid.auth.transcript import BindingType
from pkid.line.writing import decode_base64url, encode_base64url

__all__ = ["read_proof", "write_proof"]

_NO_BINDING = "none"
_SCHEMES = {scheme.value: scheme for scheme in Scheme}
_BINDINGS = {kind.value or _NO_BINDING: kind for kind in BindingType}


def read_proof(scheme_name: str, text: str) -> Proof:
    """Return the proof that the text behind a name and a scheme is.

    :raises ValueError: when it is none.
    """
    match _SCHEMES.get(scheme_name), text.split(" "):
        case Scheme.PASSWORD, _:
            return PasswordProof(text)
        case Scheme.CERTIFICATE, [""]:
            return CertificateProof()
        case scheme, [nonce, binding, signature] if scheme in SIGNATURES:
            return SignedProof(scheme, decode_base64url(nonce), _binding(binding), decode_base64url(signature))
        case scheme, [nonce, message] if scheme in SCRAM:
            return ScramStart(scheme, decode_base64url(nonce), message.encode("ascii"))
        case Scheme.PSK, [nonce, binding, code, psk, salt]:
            nonce_and_salt = decode_base64url(nonce), decode_base64url(salt)
            return PskProof(psk, nonce_and_salt[1], nonce_and_salt[0], _binding(binding), decode_base64url(code))
        case scheme, [response] if scheme in PLAIN:
            return PlainProof(decode_base64url(response))
    raise ValueError("a proof has other words")


def write_proof(proof: Proof, scheme: Scheme | None = None) -> tuple[str, ...]:
    """Return the words behind the name: the scheme and what belongs to it.

    :param scheme: which of the plain schemes a plain proof is of.
    :raises ValueError: for the second step of SCRAM, which is a verb of its own, a plain proof of no scheme, and a
        password, which is not made of words.
    """
    match proof:
        case SignedProof(of, nonce, binding, signature):
            return of.value, encode_base64url(nonce), binding.value or _NO_BINDING, encode_base64url(signature)
        case ScramStart(of, nonce, message):
            return of.value, encode_base64url(nonce), message.decode("ascii")
        case PskProof(psk, salt, nonce, binding, code):
            nonce_and_binding = encode_base64url(nonce), binding.value or _NO_BINDING
            return Scheme.PSK.value, *nonce_and_binding, encode_base64url(code), psk, encode_base64url(salt)
        case PlainProof(response) if scheme in PLAIN:
            return scheme.value, encode_base64url(response)
        case CertificateProof():
            return (Scheme.CERTIFICATE.value,)
        case ScramFinish() | PlainProof() | PasswordProof():
            raise ValueError("this is no proof to begin with")


def _binding(text: str) -> BindingType:
    kind = _BINDINGS.get(text)
    if kind is None:
        raise ValueError("a binding is called none, or by its name")
    return kind
