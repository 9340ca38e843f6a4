"""The commands about CAs: the present one, those before it, and that one of these is to count no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.audit import Action, allowed
from pkid.auth.credentials import Right
from pkid.ca.trust import fingerprint, read_fingerprint
from pkid.commands.command import Argument, Call, Command, Item, Output
from pkid.inventory.grammar import Search
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import AUTHORITY
from pkid.inventory.order import SortKey
from pkid.inventory.predicate import IsKind

__all__ = ["ca_distrust", "ca_list", "ca_show"]


def ca_show(authority: Callable[[], x509.Certificate]) -> Command:
    """Return the command.

    :param authority: gives the CA certificate, the root's.
    """

    async def run(call: Call) -> Output:
        return Output((_data(authority()),))

    return Command(
        name="ca show", info="tell about the CA certificate, which is at /ca/cert", right=Right.READ, run=run
    )


def ca_list(inventory: Inventory) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        return Output(results=inventory.find(Search(IsKind((AUTHORITY.name,)), (SortKey("replaced_at"),))))

    return Command(
        name="ca list",
        info="list the CA that issues, and those that did and are still known",
        right=Right.READ,
        run=run,
        details=("Of those that were replaced, the last eight are known. ca distrust ends the trust in one.",),
        examples=("> ca list",),
    )


def ca_distrust(distrust: Callable[[bytes, str], Awaitable[int]]) -> Command:
    """Return the command.

    :param distrust: lets the CA with a fingerprint (32 bytes) count no more, in somebody's name, and returns how many
        sessions ended for that.
    """

    async def run(call: Call) -> Output:
        found = call.arguments.fingerprint
        ended = await distrust(bytes.fromhex(found.replace(":", "")), call.credential)
        allowed(Action.DISTRUST, call.credential, call.peer, issuer=found, sessions=ended)
        return Output((f"{found} is distrusted; {ended} session{'' if ended == 1 else 's'} ended",))

    return Command(
        name="ca distrust",
        info="let the certificates of a former CA neither renew nor log in any more, for ever",
        right=Right.ADMIN,
        run=run,
        arguments=(
            Argument(name="fingerprint", info="its sha256 in ca list", read=read_fingerprint, required=True),
        ),
        details=(
            "The CA that issues is replaced first. Components that have a certificate of the former one get a new one",
            "by the pre-shared key; they trust its root until somebody takes that from them.",
        ),
        examples=("> ca distrust 5F:0A:...:C3",),
    )  # fmt: skip


def _data(certificate: x509.Certificate) -> Item:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "not_before": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "sha256_fingerprint": fingerprint(certificate.public_bytes(Encoding.DER)),
    }
