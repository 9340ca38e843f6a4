"""The commands of a core: which there are, and those that tell about the core itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography import x509

import pkid
from pkid.auth.credentials import Right
from pkid.auth.derivation import Offload
from pkid.commands.authority import ca_list, ca_show
from pkid.commands.catalogue import Catalogue
from pkid.commands.certificate import certificate_create
from pkid.commands.command import Call, Command, Output
from pkid.commands.filters import FILTERS
from pkid.commands.help import with_help
from pkid.commands.keypair import KeyGeneration
from pkid.commands.ledger import Certificates, certificate_list, certificate_show
from pkid.commands.renewal import certificate_renew
from pkid.commands.search import search
from pkid.inventory.grammar import Search
from pkid.inventory.inventory import Inventory
from pkid.inventory.kinds import CORE, KIND
from pkid.inventory.predicate import IsKind
from pkid.inventory.results import gather
from pkid.issuance import Issuance

__all__ = ["core_commands"]

_WELCOME = f"pkid {pkid.__version__}. Type help for the commands, and quit to leave."


def core_commands(
    authority: Callable[[], x509.Certificate],
    certificates: Certificates,
    issuance: Issuance,
    offload: Offload,
    more: Iterable[Command] = (),
) -> Catalogue:
    """Return all commands of a core.

    :param authority: gives the CA certificate, the root's.
    :param certificates: those of the ledger, and the inventory in which all can be searched.
    :param offload: makes keys away from the reactor.
    :param more: the broker's commands, if it has a broker.
    """
    inventory, keys = certificates.inventory, KeyGeneration(offload)
    return with_help(
        [
            certificate_create(issuance, keys),
            certificate_list(inventory),
            certificate_renew(certificates, issuance, keys),
            certificate_show(certificates),
            ca_list(inventory),
            ca_show(authority),
            search(inventory),
            _system_info(inventory),
            *more,
            _welcome(),
            *FILTERS,
        ]
    )


def _welcome() -> Command:
    async def run(call: Call) -> Output:
        return Output((_WELCOME,))

    return Command(name="welcome", info="greet", right=Right.READ, run=run)


def _system_info(inventory: Inventory) -> Command:
    """Return a command that gives the core as the inventory has it, which shells take for its name card."""

    async def run(call: Call) -> Output:
        (core,) = await gather(inventory.find(Search(IsKind((CORE.name,)))))
        assert not isinstance(core, str)
        return Output(({name: value for name, value in core.items() if name != KIND.name},))

    return Command(name="system info", info="tell what this core is", right=Right.READ, run=run)
