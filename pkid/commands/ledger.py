"""``certificate list`` and ``certificate show``: what the ledger holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pkid.auth.credentials import Right
from pkid.ca.ledger import Entry
from pkid.ca.trust import names_of, pem
from pkid.commands.arguments import printable
from pkid.commands.command import Argument, Call, Command, Output
from pkid.errors import Malformed, Reason
from pkid.inventory.grammar import Search
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import CERTIFICATE, KIND
from pkid.inventory.literals import Literal, read_duration
from pkid.inventory.order import SortKey
from pkid.inventory.predicate import And, Compare, IsKind, Operator, Predicate
from pkid.inventory.results import gather
from pkid.resources import serial_digits

__all__ = ["CERTIFICATE_NAME", "Certificates", "certificate_list", "certificate_show"]

_FEWEST_DIGITS = 16  # of what may be a serial number; our own have 40
_LONGEST_CHAIN = 16
_LIMIT_OF_SERIALS = 1 << 159  # RFC 5280, 4.1.2.2

CERTIFICATE_NAME = Argument(
    name="certificate", info="its serial number, or a name, of which the newest one counts", required=True
)
"""The argument that names one certificate."""


class Certificates:
    """The certificates of a core, one at a time.

    :param inventory: finds them.
    :param entry: gives the ledger's entry with a serial number.
    """

    def __init__(self, inventory: Inventory, entry: Callable[[int], Awaitable[Entry | None]]) -> None:
        self.inventory = inventory
        self._entry = entry

    async def find(self, name: str) -> Entry:
        """Return the entry with this serial number, or the newest one of this name.

        :raises Malformed: when there is none.
        """
        serial = _serial(name)
        found = None if serial is None else await self._entry(serial)
        async for newest in self._serials("name", name, 1):
            found = found or await self._entry(newest)
        if found is None:
            raise _unknown(name)
        return found

    async def resource(self, entry: Entry) -> Mapping[str, Any]:
        """Return an entry as the inventory has it.

        :raises Malformed: when it is gone meanwhile.
        """
        serial = serial_digits(entry.serial)
        wanted = And((IsKind((CERTIFICATE.name,)), Compare("serial", Operator.EQUAL, Literal(serial))))
        for found in await gather(self.inventory.find(Search(wanted))):
            assert not isinstance(found, str)
            return found
        raise _unknown(serial)

    async def renewed(self, entry: Entry) -> list[int]:
        """Return the serial numbers of the certificates that one renews, directly and further back, newest first."""
        chain: list[int] = []
        former: Entry | None = entry
        while former is not None and former.renews is not None and len(chain) < _LONGEST_CHAIN:
            chain.append(former.renews)
            former = await self._entry(former.renews)
        return chain

    async def renewals(self, entry: Entry) -> list[int]:
        """Return the serial numbers of the certificates that renew one directly, newest first."""
        return [each async for each in self._serials("renews", serial_digits(entry.serial), _LONGEST_CHAIN)]

    async def _serials(self, field: str, value: str, most: int) -> AsyncIterator[int]:
        """Give the serial numbers of the newest certificates with this value."""
        wanted = And((IsKind((CERTIFICATE.name,)), Compare(field, Operator.EQUAL, Literal(value, quoted=True))))
        for found in await gather(self.inventory.find(Search(wanted, (SortKey("issued_at", True),), 0, most))):
            assert not isinstance(found, str)
            yield int(found["serial"], 16)


def certificate_list(inventory: Inventory) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        asked = vars(call.arguments)
        if asked["expired"] and asked["expiring_within"]:
            raise Malformed(Reason.COMMAND, "--expired and --expiring-within exclude each other; give one")
        return Output(results=inventory.find(Search(And(tuple(_wanted(asked))), (SortKey("not_after"),))))

    return Command(
        name="certificate list",
        info="list the certificates, those first that end first",
        right=Right.READ,
        run=run,
        arguments=(
            Argument(name="--name", shown="NAME", info="only of this name; * stands for any characters"),
            Argument(
                name="--expiring-within",
                shown="TIME",
                info="only those that end soon, as within 30d, and have not yet ended",
                read=_positive,
            ),
            Argument(name="--expired", info="only those that have ended"),
        ),
        examples=("> certificate list --name web-* --expiring-within 30d", "> certificate list --expired | count"),
    )


def certificate_show(certificates: Certificates) -> Command:
    """Return the command."""

    async def run(call: Call) -> Output:
        entry = await certificates.find(call.arguments.certificate)
        if call.arguments.pem:
            return Output((_pem(entry),))
        found = await certificates.resource(entry)
        links = {
            "renews": [serial_digits(serial) for serial in await certificates.renewed(entry)],
            "renewed_by": [serial_digits(serial) for serial in await certificates.renewals(entry)],
        }
        return Output(({**_without_kind(found), **_content(entry), **links},))

    return Command(
        name="certificate show",
        info="tell all about a certificate",
        right=Right.READ,
        run=run,
        arguments=(CERTIFICATE_NAME, Argument(name="--pem", info="give the certificate itself, in PEM")),
        details=(
            "A chain of renewals is told back to the sixteenth, newest first, as far as the ledger still has it.",
        ),
        examples=("> certificate show web-1", "> certificate show 2d0b36a5c1f04e7b8d93aa10 --pem"),
    )


def _wanted(asked: Mapping[str, Any]) -> Iterator[Predicate]:
    yield IsKind((CERTIFICATE.name,))
    if name := asked["name"]:
        yield Compare("name", Operator.LIKE if "*" in name else Operator.EQUAL, Literal(name, quoted=True))
    if asked["expired"] or asked["expiring_within"]:
        yield Compare("expired", Operator.EQUAL, Literal("true" if asked["expired"] else "false"))
    if span := asked["expiring_within"]:
        yield Compare("not_after", Operator.AT_MOST, Literal(span))


def _positive(word: str) -> str:
    if read_duration(word) <= timedelta(0):
        raise ValueError(f"expected a duration, as 30d: {word!r}")
    return word


def _serial(text: str) -> int | None:
    """Read what may be a serial number: many hexadecimal digits, with colons or without."""
    digits = text.replace(":", "").removeprefix("0x").lower()
    if len(digits) < _FEWEST_DIGITS or set(digits) - set("0123456789abcdef"):
        return None
    return int(digits, 16) if 0 < int(digits, 16) < _LIMIT_OF_SERIALS else None


def _unknown(name: str) -> Malformed:
    return Malformed(Reason.COMMAND, f"there is no certificate with the serial number or name {printable(name)!r}")


def _pem(entry: Entry) -> str:
    return pem(entry.certificate).decode("ascii").removesuffix("\n")


def _without_kind(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != KIND.name}


def _content(entry: Entry) -> dict[str, Any]:
    certificate = x509.load_der_x509_certificate(entry.certificate)
    names = names_of(certificate)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "dns_names": list(names.dns),
        "ip_addresses": list(map(str, names.ip)),
        "identity": names.uri[0] if names.uri else None,
        "key": _key(certificate.public_key()),
    }


def _key(key: object) -> str:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA, {key.key_size} bits"
        case ec.EllipticCurvePublicKey():
            return f"EC, {key.curve.name}"
    return type(key).__name__.removesuffix("PublicKey")
