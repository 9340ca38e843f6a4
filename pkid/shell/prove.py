"""``pkid broker prove``: makes the proof of a component's name for somebody who types, beside the connection.

Works offline, on what is pasted: the core's greeting, the keying material that binds the proof to the connection, and
what the core answers. Nothing secret is printed, and a secret is never an argument, because everybody can see those.
"""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pkid.auth.component_login import Attempt, Invitation, begin_attempt
from pkid.auth.own_credential import OwnCredential, OwnPreSharedKey
from pkid.auth.proofs import Proof
from pkid.auth.psk import DEFAULT_NAME, is_key_name
from pkid.auth.tokens import SALT_SIZE
from pkid.auth.transcript import NONCE_SIZE, Channel
from pkid.broker.commands import Prove
from pkid.ca.trust import TrustError
from pkid.credential_files import find_credential, read_credential
from pkid.errors import PkidError, StateError
from pkid.files import read_private
from pkid.line.codec import EventReader, write_command
from pkid.line.events import Closed, Continued, Errored, Event, Greeted, Welcomed

__all__ = ["main"]

_DONE, _FAILED, _INTERRUPTED = 0, 1, 130
_KEYING_MATERIAL = re.compile(r"\s*(?:Keying material: )?([0-9A-Fa-f]{64})\s*")
_SPOKEN = re.compile(r"(?:#\S+ )?(PKID|CONTINUE|WELCOME|ERROR|BYE) ")
_DESCRIPTION = """\
Make a proof of a component's name for a connection that somebody types on:

  openssl s_client -connect HOST:8910 -CAfile ca.crt -verify_return_error \\
    -verify_hostname HOST -keymatexport EXPORTER-Channel-Binding -keymatexportlen 32

Paste here what it shows; whatever is not needed is passed over. Then type there
what this writes, and paste the core's answers here: with a password there is a
second step, and the core proves itself, too, unless the credential is a key.
"""
_EPILOG = """\
Without --credential and --psk-file, the component's private key or password is
taken from $REMBUS_DIR/keys/NAME or $REMBUS_DIR/NAME/.secret, with
~/.config/rembus for the directory that is not set. The passphrase of an
encrypted key is taken from the variable PKID_CERT_KEY_PASS.
"""


def main(
    arguments: Sequence[str],
    environ: Mapping[str, str] = os.environ,
    lines: Iterable[str] | None = None,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> int:
    """Run the program and return its exit code: 0 done, 1 no proof, or the core did not prove itself, 130 interrupted.

    :param lines: what is pasted; by default, standard input.
    :raises SystemExit: when help is asked for, or the arguments are none of its own (2).
    """
    options = _parser().parse_args(arguments)
    try:
        credential = _credential(options, environ, random_bytes)
        conversation = _Conversation(options.name, credential, options.unbound, random_bytes(NONCE_SIZE))
        for line in sys.stdin if lines is None else lines:
            conversation.hear(line)
        conversation.end()
    except (PkidError, StateError, TrustError) as error:
        print(f"pkid: {error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return _DONE


class _Unfinished(TrustError):
    """What was pasted does not lead to a proof, or the core refused it."""


class _Conversation:
    """What is pasted, and what is made of it."""

    def __init__(self, name: str, credential: OwnCredential, unbound: bool, nonce: bytes) -> None:
        self._name = name
        self._credential = credential
        self._unbound = unbound
        self._nonce = nonce
        self._greeting: Greeted | None = None
        self._exporter: bytes | None = None
        self._attempt: Attempt | None = None

    def hear(self, line: str) -> None:
        """Take a line, and say what comes of it.

        :raises PkidError: when a line of the core cannot be understood.
        :raises TrustError: when there can be no proof, or the core does not prove itself.
        """
        keying = _KEYING_MATERIAL.fullmatch(line)
        if keying is not None:
            self._exporter = bytes.fromhex(keying[1])
        elif _SPOKEN.match(line):
            self._take(_read(line))
        if self._attempt is None and self._greeting is not None and (self._exporter is not None or self._unbound):
            self._begin(self._greeting)

    def end(self) -> None:
        """Say what is missing, if something is.

        :raises TrustError: when there was no proof.
        """
        if self._greeting is None:
            raise _Unfinished("the core's greeting was not pasted: the line that begins with PKID")
        if self._attempt is None:
            raise _Unfinished(
                "the keying material was not pasted; see --help for how openssl shows it, or, for a connection"
                " without TLS 1.3 where the core allows it, use --unbound"
            )

    def _begin(self, greeting: Greeted) -> None:
        channel = Channel(True, None if self._unbound else self._exporter, self._unbound)
        invitation = Invitation(greeting.server, greeting.nonce, greeting.schemes, channel)
        self._attempt = begin_attempt(invitation, self._name, self._credential, self._nonce)
        self._say(self._attempt.start())

    def _take(self, event: Event) -> None:
        match event:
            case Greeted():
                self._greeting = event
            case Continued(_, message) if self._attempt is not None:
                self._say(self._attempt.go_on(message))
            case Welcomed(_, name, proven, evidence, _) if self._attempt is not None:
                self._attempt.check(evidence)
                if not proven or name != self._name:
                    raise _Unfinished(f"the core does not welcome {self._name} under its name")
                print("pkid: the core's answer is good", file=sys.stderr)
            case Errored(_, _, text) | Closed(_, text):
                raise _Unfinished(f"the core says: {text}")

    def _say(self, proof: Proof) -> None:
        print(write_command(Prove(None, self._name, proof)).decode(), end="", flush=True)


def _read(line: str) -> Event:
    """Read what the core said.

    :raises LineFault: when it cannot be understood.
    """
    reader = EventReader()
    reader.feed(line.rstrip("\r\n").encode() + b"\n")
    event = reader.read()
    if event is None:
        raise _Unfinished("what was pasted of the core is not whole")
    return event


def _credential(options: Namespace, environ: Mapping[str, str], random_bytes: Callable[[int], bytes]) -> OwnCredential:
    if options.psk_file is not None:
        content = read_private(options.psk_file)
        secret = (content or b"").decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
        if not secret or not secret.isprintable():
            raise StateError(options.psk_file, "does not hold a pre-shared key", "give the file that does")
        return OwnPreSharedKey.derive(options.psk_name, secret, random_bytes(SALT_SIZE))
    if options.credential is not None:
        return read_credential(options.credential, environ.get("PKID_CERT_KEY_PASS"))
    found = find_credential(options.name, environ, environ.get("PKID_CERT_KEY_PASS"))
    if found is None:
        raise StateError(options.name, "has no credential here", "give one with --credential or --psk-file")
    return found


def _key_name(text: str) -> str:
    if not is_key_name(text):
        raise ValueError(text)
    return text


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "pkid broker prove", description=_DESCRIPTION, epilog=_EPILOG, allow_abbrev=False,
        formatter_class=RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("name", metavar="NAME", help="the component's name")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--credential", type=Path, metavar="FILE", help="its private key, or its password")
    which.add_argument("--psk-file", type=Path, metavar="FILE", help="the pre-shared key instead")
    parser.add_argument("--psk-name", type=_key_name, metavar="NAME", default=DEFAULT_NAME, help="its name [default]")
    parser.add_argument("--unbound", action="store_true", help="for a connection that has no keying material")
    return parser
