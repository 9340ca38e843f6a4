"""The file's tables of pre-shared keys: what they may hold, and the one sentence about what they may not."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.roles import Role
from pkid.ca.patterns import ComponentPattern, HostPattern, NetworkPattern
from pkid.ca.policy import ANY_NAME, Policy, Rules
from tests.certificates import NOON
from tests.settings.case import GOOD, OTHER, THIRD, Files, SettingsCase

EXAMPLE = Path(__file__).parent.parent.parent / "etc" / "pkid.toml"
FILE = "in /etc/pkid.toml"


class PsksCase(SettingsCase):
    def psks(self, toml: str, **files: bytes) -> tuple[PreSharedKey, ...]:
        """Return the keys that a configuration file names."""
        found: Files = {"/etc/pkid.toml": toml.encode(), **{f"/etc/{name}": key for name, key in files.items()}}
        return self.resolve({"config": "/etc/pkid.toml"}, None, found).psks

    def terms(self, lines: str) -> Terms:
        """Return the terms of a table with these lines."""
        (psk,) = self.psks(f'[psks.autumn]\nkey = "{GOOD}"\n{lines}')
        return psk.terms

    def refused_table(self, lines: str, name: str = "autumn") -> str:
        return self.refused_file(f"[psks.{name}]\n{lines}")


class KeyTests(PsksCase):
    def test_a_key_in_the_file_or_in_another_one_beside_it(self) -> None:
        psks = self.psks(f'[psks.autumn]\nfile = "key"\n[psks.winter]\nkey = "{OTHER}"', key=GOOD.encode() + b"\n")
        self.assertEqual([(psk.name, psk.secret) for psk in psks], [("autumn", GOOD), ("winter", OTHER)])
        self.assertEqual(psks[0].terms, Terms(Role.ISSUE))
        self.assertNotIn(GOOD, repr(psks))

    def test_the_credential_is_stronger_and_belongs_to_the_table_of_its_name(self) -> None:
        files: Files = {
            "/c": f'[psks.autumn]\nkey = "{GOOD}"\n[psks.winter]'.encode(),
            "/run/c/psk.autumn": OTHER.encode(),
            "/run/c/psk.winter": THIRD.encode(),
            "/run/c/psk.spring": b"not asked for",
        }
        settings = self.resolve({"config": "/c"}, {"CREDENTIALS_DIRECTORY": "/run/c"}, files)
        self.assertEqual([psk.secret for psk in settings.psks], [OTHER, THIRD])
        self.assertIsNone(settings.psk)

    def test_no_key_or_two(self) -> None:
        no_key = f"psks.autumn {FILE} has no key; write file = ... or key = ... into it"
        self.assertEqual(self.refused_table('role = "issue"'), no_key)
        two = f"key of psks.autumn {FILE} and file of psks.autumn {FILE} exclude each other; give one"
        self.assertEqual(self.refused_table(f'key = "{GOOD}"\nfile = "x"'), two)

    def test_keys_that_cannot_be_used(self) -> None:
        source = f"key of psks.autumn {FILE}"
        for key, problem in (
            ("", "is empty; write one that openssl rand -hex 32 makes (only --psk '' as a flag turns"),
            ("changeme", "is easy to guess: it is shorter than 16 characters; write one that openssl rand -hex 32"),
            ("x\\ny" * 8, "does not hold a PSK"),
        ):
            message = self.refused_table(f'key = "{key}"')
            self.assertTrue(message.startswith(f"{source} {problem}"), message)
        self.assertIn("must be a string, not an integer", self.refused_table("key = 1"))
        self.assertIn("cannot read /etc/x: No such file", self.refused_table('file = "x"'))
        self.assertEqual(len(self.psks('allow-weak-psk = true\n[psks.autumn]\nkey = "changeme"')), 1)

    def test_the_same_key_twice(self) -> None:
        both = f'[psks.a]\nkey = "{GOOD}"\n[psks.b]\nkey = "{GOOD}"'
        self.assertEqual(self.refused_file(both), f"psks {FILE} gives a and b the same key; give each its own")
        one = {"/c": f'[psks.a]\nkey = "{GOOD}"'.encode()}
        message = self.refused({"psk": GOOD, "config": "/c"}, None, one)
        self.assertEqual(message, "--psk gives the same key as psks.a; give each its own")
        self.assertNotIn(GOOD, message)

    def test_sixteen_and_not_one_more(self) -> None:
        tables = [f'[psks.k{number}]\nkey = "a long enough key {number}"' for number in range(17)]
        self.assertEqual(len(self.psks("\n".join(tables[:16]))), 16)
        message = self.refused_file("\n".join(tables))
        self.assertEqual(message, f"psks {FILE} names 17 pre-shared keys; keep at most 16")

    def test_names(self) -> None:
        self.assertEqual(self.psks(f'[psks."a.b_c-9"]\nkey = "{GOOD}"')[0].name, "a.b_c-9")
        for name in ('"a/b"', '".."', '""', '"a b"'):
            self.assertIn("cannot be a key's name", self.refused_table(f'key = "{GOOD}"', name))

    def test_what_is_no_table(self) -> None:
        for toml in ("psks = 1", 'psks = ["a"]', f'[psks]\nautumn = "{GOOD}"'):
            self.assertEqual(self.refused_file(toml), f"psks {FILE} must be tables: write [psks.NAME]")

    def test_neither_flag_nor_variable_names_tables(self) -> None:
        self.assertIn("is no setting", self.refused(None, {"PKID_CORE_PSKS": "x"}))


class TermsTests(PsksCase):
    def test_all_of_them(self) -> None:
        terms = self.terms(
            'role = "read"\nexpires = 2031-05-06T14:00:00+02:00\nbootstrap = true\n'
            'allow-dns = ["*.Web.example", "localhost"]\ndeny_dns = ["*"]\n'
            'allow-ip = ["10.0.0.0/8", "::1"]\ndeny-ip = []\n'
            'allow-components = ["web-*"]\ndeny-components = ["db"]\n'
        )
        policy = Policy(
            Rules((HostPattern("*.web.example"), HostPattern("localhost")), (HostPattern("*"),)),
            Rules((NetworkPattern(ip_network("10.0.0.0/8")), NetworkPattern(ip_network("::1/128")))),
            Rules((ComponentPattern("web-*"),), (ComponentPattern("db"),)),
        )
        self.assertEqual(terms, Terms(Role.READ, NOON, bootstrap=True, policy=policy))

    def test_none_of_them(self) -> None:
        self.assertEqual(self.terms(""), Terms(Role.ISSUE, None, bootstrap=False, policy=ANY_NAME))

    def test_roles(self) -> None:
        roles = [self.terms(f'role = "{role.value}"').role for role in Role]
        self.assertEqual(roles, list(Role))

    def test_wrong_values(self) -> None:
        end = "must be a date and time with an offset, such as 2027-01-01T00:00:00Z without quotes"
        for line, problem in (
            ('role = "root"', "must be one of admin, issue, read, observe, not 'root'"),
            ("role = 1", "must be a string, not an integer"),
            ("expires = 2027-01-01", end),
            ("expires = 2027-01-01T00:00:00", end),
            ('expires = "2027-01-01T00:00:00Z"', end),
            ("expires = 0001-01-01T00:00:00+14:00", end),
            ("bootstrap = 2", "must be true or false"),
            ('allow-dns = "a.b"', "must be an array of strings, not a string"),
            ('allow-dns = ["10.0.0.1"]', "holds '10.0.0.1', which is not a host name, *.SUFFIX or *"),
            ('deny-dns = ["*.*.a"]', "holds '*.*.a', which is not a host name, *.SUFFIX or *"),
            (
                'allow-ip = ["10.0.0.1/8"]',
                "holds '10.0.0.1/8', which is not an address or a network such as 10.0.0.0/8",
            ),
            ('deny-ip = ["a"]', "holds 'a', which is not an address or a network such as 10.0.0.0/8"),
            ("allow-ip = [1]", "must be a string, not an integer"),
            (
                'allow-components = ["a b"]',
                "holds 'a b', which is not a component's name, in which * stands for anything",
            ),
        ):
            message = self.refused_table(f'key = "{GOOD}"\n{line}')
            self.assertEqual(message, f"{line.partition(' ')[0]} of psks.autumn {FILE} {problem}")

    def test_unknown_and_doubled_settings(self) -> None:
        message = self.refused_table(f'key = "{GOOD}"\nallow-dsn = []')
        self.assertEqual(message, f"'allow-dsn' of psks.autumn {FILE} is no setting; did you mean allow-dns?")
        message = self.refused_table(f'key = "{GOOD}"\nallow-dns = []\nallow_dns = []')
        self.assertEqual(message, f"psks.autumn {FILE} holds allow-dns twice, once with '_'; remove one")

    def test_one_is_marked_at_most(self) -> None:
        toml = f'[psks.a]\nkey = "{GOOD}"\nbootstrap = true\n[psks.b]\nkey = "{OTHER}"\nbootstrap = true'
        self.assertEqual(self.refused_file(toml), f"psks {FILE} marks a and b as bootstrap; mark one")


class DefaultKeyTests(PsksCase):
    def test_its_table_holds_its_terms_alone(self) -> None:
        settings = self.configured(f'psk = "{GOOD}"\n[psks.default]\nrole = "read"')
        self.assertEqual((settings.psk, settings.psk_terms.role, settings.psks), (GOOD, Role.READ, ()))
        for line in (f'key = "{OTHER}"', 'file = "x"'):
            self.assertEqual(
                self.refused_table(line, "default"),
                f"psks.default {FILE} holds terms only; its key is the one of --psk-file, or the stored one",
            )

    def test_without_a_table_it_may_do_everything(self) -> None:
        self.assertEqual(self.configured("").psk_terms, Terms(Role.ADMIN))

    def test_a_table_that_names_no_role_leaves_it_its_own(self) -> None:
        terms = self.configured("[psks.default]\nexpires = 2031-05-06T12:00:00Z").psk_terms
        self.assertEqual(terms, Terms(Role.ADMIN, NOON))


class ExampleTests(PsksCase):
    def test_the_example_is_good(self) -> None:
        lines = [line[4:] for line in EXAMPLE.read_text().splitlines() if line.startswith("#   ")]
        (psk,) = self.psks("\n".join(lines), **{"psk-autumn": GOOD.encode()})
        self.assertEqual((psk.name, psk.secret, psk.terms.role), ("autumn", GOOD, Role.ISSUE))
        self.assertNotEqual(psk.terms.policy, ANY_NAME)
