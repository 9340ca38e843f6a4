"""The keys of components, in the core's own keyring: added, listed, revoked, and PINs by which one is registered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pkid.audit import Action, allowed
from pkid.auth.component_keyring import Material, SharedSecret
from pkid.auth.credentials import Right
from pkid.auth.derivation import Offload
from pkid.auth.public_keys import read_public_key
from pkid.auth.scram import ScramVerifier
from pkid.commands.broker.arguments import COMPONENT
from pkid.commands.broker.interfaces import Brokerage, OneTimePins, Registrar, StoredKeys
from pkid.commands.broker.kinds import KEY, key_resource
from pkid.commands.broker.views import listing
from pkid.commands.command import Argument, Call, Command, Item, Output
from pkid.errors import Malformed, Reason
from pkid.inventory.inventory import Inventory
from pkid.inventory.literals import read_duration

__all__ = ["Keys", "key_commands"]

_SECRET_SIZE, _SALT_SIZE = 32, 16  # bytes
_LONGEST_PIN = timedelta(days=7)
_MADE = ("--secret", "--recoverable-secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the commands need to know of keys, and to do about them.

    :ivar offload: derives verifiers, which takes long on purpose.
    :ivar now: gives the time, aware UTC.
    :ivar random: gives so many random bytes (``os.urandom``).
    """

    broker: Brokerage
    keyring: StoredKeys
    registrar: Registrar
    pins: OneTimePins
    offload: Offload
    now: Callable[[], datetime]
    random: Callable[[int], bytes]


def key_commands(keys: Keys, inventory: Inventory) -> list[Command]:
    """Return the commands.

    :param inventory: has the broker's sources.
    """
    list_them = listing(inventory, KEY, "broker keys list", "list what components prove their names with")
    return [_add(keys), list_them, _revoke(keys), _register(keys)]


def _add(keys: Keys) -> Command:
    async def run(call: Call) -> Output:
        asked = vars(call.arguments)
        given = [name for name in ("key", "secret", "recoverable_secret") if asked[name]]
        if len(given) != 1:
            raise Malformed(Reason.COMMAND, f"give one of KEY, {' and '.join(_MADE)}")
        material, secret = asked["key"], ""
        if material is None:
            secret = base64.urlsafe_b64encode(keys.random(_SECRET_SIZE)).decode("ascii").rstrip("=")
            material = await _keep(keys, secret, asked["recoverable_secret"])
        expires = _end(keys, asked["expires_in"])
        added = await keys.registrar.add(asked["component"], material, expires, call.credential)
        allowed(Action.REGISTER, call.credential, call.peer, name=added.component, key=added.identifier)
        keys.broker.reserve(added.component)
        found: Item = {name: value for name, value in key_resource(added).items() if name != "last_used"}
        return Output((found, f"secret: {secret}") if secret else (found,))

    return Command(
        name="broker keys add",
        info="give a component a key, or a secret that the core makes; its name needs proof from then on",
        right=Right.ADMIN,
        run=run,
        arguments=(
            COMPONENT,
            Argument(name="key", info="the public key, in PEM or base64 of DER: RSA, P-256 or Ed25519", read=_read_key),
            Argument(name="--secret", info="make a secret, shown once; the core keeps what checks it (SCRAM)"),
            Argument(name="--recoverable-secret", info="the same for clients of Rembus: the core keeps the secret"),
            Argument(name="--expires-in", shown="TIME", info="how long it is good, as 90d", read=_positive),
        ),
        details=("A component has up to eight keys. In a shell of the system, the key is one word: quote it.",),
        examples=("> broker keys add alice --secret --expires-in 90d",),
    )


def _revoke(keys: Keys) -> Command:
    async def run(call: Call) -> Output:
        key, stored = call.arguments.key, await keys.keyring.list()
        if not await keys.keyring.revoke(key, call.credential):
            raise Malformed(Reason.COMMAND, f"there is no key {key[:64]!r} here; broker keys list tells all")
        ended = keys.broker.revoke(f"key:{key}")
        allowed(Action.UNREGISTER, call.credential, call.peer, key=key, sessions=ended)
        name = next((each.component for each in stored if each.identifier == key), "")
        others = [each.identifier for each in stored if each.component == name and each.identifier != key]
        lines = [f"{key} is revoked; {ended} session{'' if ended == 1 else 's'} ended"]
        return Output((*lines, *([f"{name} still has {', '.join(others)}"] if others else [])))

    return Command(
        name="broker keys revoke",
        info="let a key prove nothing any more, and end the sessions that it opened",
        right=Right.ADMIN,
        run=run,
        arguments=(Argument(name="key", info="what it is called in broker keys list", required=True),),
        details=(
            "Without any key, and without rights, a name is anybody's again: broker deny keeps it from topics.",
            "Whoever stole a key may have registered another for the name: look at created_by in broker keys list.",
        ),
        examples=("> broker keys revoke 3f0c6e1a9b7d4c52",),
    )


def _register(keys: Keys) -> Command:
    async def run(call: Call) -> Output:
        component, within = call.arguments.component, call.arguments.within
        pin = await keys.pins.issue(component, within, call.credential)
        allowed(Action.REGISTER, call.credential, call.peer, name=component, pin="issued")
        return Output(({"name": component, "pin": pin, "good_until": keys.now() + within},))

    return Command(
        name="broker register",
        info="make a PIN by which a component registers its key itself, once",
        right=Right.ADMIN,
        run=run,
        arguments=(
            COMPONENT,
            Argument(name="--within", shown="TIME", info="how long it is good, up to 7d; 1h if it is left out",
                     read=_pin_lifetime, default=timedelta(hours=1)),
        ),
        details=("The one before for the same name is good no longer.",),
        examples=("> broker register alice --within 10m",),
    )  # fmt: skip


def _end(keys: Keys, span: timedelta | None) -> datetime | None:
    try:
        return None if span is None else keys.now() + span
    except OverflowError:
        raise Malformed(Reason.COMMAND, "--expires-in ends in a year that no calendar has") from None


async def _keep(keys: Keys, secret: str, recoverable: bool) -> Material:
    """Return what is stored of a secret."""
    if recoverable:
        return SharedSecret(secret)
    salt = keys.random(_SALT_SIZE)
    return await keys.offload(lambda: ScramVerifier.make(secret, salt))


def _read_key(word: str) -> object:
    text = word.strip().encode("utf-8", "surrogatepass")
    if text.startswith(b"-----BEGIN"):
        return read_public_key(text)
    try:
        return read_public_key(base64.b64decode(b"".join(text.split()), validate=True))
    except ValueError:
        raise ValueError("expected a public key, in PEM or base64 of DER") from None


def _positive(word: str) -> timedelta:
    if (span := read_duration(word)) <= timedelta(0):
        raise ValueError(f"expected a duration, as 30d: {word!r}")
    return span


def _pin_lifetime(word: str) -> timedelta:
    if (span := _positive(word)) > _LONGEST_PIN:
        raise ValueError(f"expected 7d at most: {word!r}")
    return span
