"""One rule for every component: its own variables are stronger than everybody's, and others' are not its business."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from pkid.settings import Component, SettingsError
from pkid.settings.precedence import Sources
from pkid.settings.shared import CONFIG, PSK, PSK_FILE
from pkid.settings.table import LEAF_LIFETIME, STATE
from tests.settings.case import GOOD, OTHER, WORK
from tests.support import Case

METRICS = Component("metrics", {"All": (CONFIG, STATE, PSK, PSK_FILE, LEAF_LIFETIME)})


class ComponentTests(Case):
    def setUp(self) -> None:
        self.files: dict[str, bytes] = {}

    def read_file(self, path: Path) -> bytes:
        try:
            return self.files[str(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None

    def sources(self, environ: Mapping[str, str], **flags: str) -> Sources:
        return Sources.of(METRICS, flags, environ, self.read_file, WORK)

    def lifetime(self, environ: Mapping[str, str], **flags: str) -> object:
        given = self.sources(environ, **flags).find(LEAF_LIFETIME)
        return None if given is None else given.value

    def test_the_prefixes_carry_the_component_s_name(self) -> None:
        self.assertEqual(METRICS.prefixes, ("PKID_METRICS_", "PKID_"))

    def test_its_own_variable_is_stronger_than_everybody_s(self) -> None:
        both = {"PKID_METRICS_LEAF_LIFETIME": "1h", "PKID_LEAF_LIFETIME": "2h", "PKID_CORE_LEAF_LIFETIME": "3h"}
        self.assertEqual(self.lifetime(both), "1h")
        self.assertEqual(self.lifetime({"PKID_LEAF_LIFETIME": "2h"}), "2h")

    def test_variables_of_other_components_say_nothing_to_it(self) -> None:
        self.assertIsNone(self.lifetime({"PKID_CORE_LEAF_LIFETIME": "3h", "PKID_CORE_NONSENSE": "x"}))

    def test_an_unknown_variable_of_its_own_is_refused(self) -> None:
        with self.assertRaises(SettingsError) as caught:
            self.sources({"PKID_METRICS_LEAF_LIFETIMES": "1h"})
        self.assertIn("did you mean PKID_METRICS_LEAF_LIFETIME?", str(caught.exception))

    def test_a_setting_of_another_component_is_refused_in_its_file(self) -> None:
        self.files["/c"] = b'https = "tcp:1"'
        with self.assertRaises(SettingsError) as caught:
            self.sources({}, config="/c")
        self.assertIn("'https' in /c is no setting", str(caught.exception))

    def test_flag_then_variable_then_file(self) -> None:
        self.files["/c"] = b'leaf-lifetime = "3h"'
        variables = {"PKID_LEAF_LIFETIME": "2h", "PKID_METRICS_CONFIG": "/c"}
        self.assertEqual(self.lifetime(variables, **{"leaf-lifetime": "1h"}), "1h")
        self.assertEqual(self.lifetime(variables), "2h")
        self.assertEqual(self.lifetime({"PKID_CONFIG": "/c"}), "3h")

    def test_the_key_of_a_stronger_source_hides_the_others(self) -> None:
        self.files["/k"] = OTHER.encode()
        self.files["/credentials/psk"] = GOOD.encode()
        both = {"PKID_PSK": GOOD, "PKID_METRICS_PSK_FILE": "/k"}
        self.assertEqual(self.sources(both).psk(), (OTHER, "file /k"))
        by_credential = self.sources({"CREDENTIALS_DIRECTORY": "/credentials"}).psk()
        self.assertEqual(by_credential, (GOOD, "file /credentials/psk"))
        self.assertIsNone(self.sources({}).psk())

    def test_nothing_given_is_shown(self) -> None:
        self.assertNotIn(GOOD, repr(self.sources({"PKID_PSK": GOOD}, psk=GOOD)))

    def test_each_component_keeps_its_things_apart(self) -> None:
        self.assertEqual(
            self.sources({"HOME": "/h"}).state_by_default("pkid-metrics"), Path("/h/.local/state/pkid-metrics")
        )
        self.assertEqual(self.sources({"STATE_DIRECTORY": "/v"}).state_by_default("pkid-metrics"), Path("/v"))
