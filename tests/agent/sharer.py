"""A process that shares a state directory: ``python -m tests.agent.sharer DIRECTORY KIND``.

It saves and loads as a component does, many times, and says ``done`` if all that it found was whole.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pkid.agent import DirectoryStorage
from pkid.ca.keys import KeyType, key_bytes
from tests.agent.test_storage import credential
from tests.certificates import root

TIMES = 100


def main(directory: Path, kind: KeyType) -> None:
    """Share the directory with whoever else has it."""
    storage, own = DirectoryStorage(directory), credential(kind)
    for _ in range(TIMES):
        storage.save_credential(own)
        storage.save_authority(root().certificate)
        found = storage.load_credential()
        assert found is not None
        assert key_bytes(found.key.public_key()) == key_bytes(found.certificate.public_key())  # type: ignore[arg-type]
        assert storage.load_authority() is not None
    print("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]), KeyType(sys.argv[2]))
