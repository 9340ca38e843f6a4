"""The agent's state directory: it holds whom the agent trusts, and nothing else that must not be lost."""

from __future__ import annotations

from pathlib import Path

from pkid.agent import DirectoryStorage, GivenAuthority, Storage
from pkid.agent.directory import ComponentDirectory

__all__ = ["TrustDirectory"]


class TrustDirectory(ComponentDirectory):
    """A state directory that no other agent uses while it is open."""

    def storage(self, ca_cert: Path | None) -> Storage:
        """Return what keeps the CA certificate that is trusted.

        :param ca_cert: a file with the only one to trust, if one is given.
        """
        kept = DirectoryStorage(self.path)
        return kept if ca_cert is None else GivenAuthority(ca_cert, kept)
