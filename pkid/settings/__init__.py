"""What pkid's programs are told to do: a table of settings for each, and the one way to resolve them.

Every setting has one name: the core's flag ``--leaf-lifetime``, the environment variables ``PKID_CORE_LEAF_LIFETIME``
and ``PKID_LEAF_LIFETIME``, and the key ``leaf-lifetime`` in the TOML file are the same. Nothing here knows of the
reactor or of the services that the settings are for.
"""

from __future__ import annotations

from pkid.settings.component import Component, Setting
from pkid.settings.sources import SettingsError

__all__ = ["Component", "Setting", "SettingsError"]
