"""Names: which may stand in a certificate, and which one is an identity."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from pkid.ca.names import Names, TrustDomain, common_name, host_name, ip_name, is_component, is_host_name
from pkid.errors import Reason, Refused
from tests.support import Case

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
DOMAIN = TrustDomain("pkid.internal")

GOOD_HOSTS = {
    "localhost": "localhost",
    "DB.Example": "db.example",
    "*.example.org": "*.example.org",
    "my_service": "my_service",
    "_sip._tcp.example": "_sip._tcp.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "1.2.3.4.example": "1.2.3.4.example",
    "3com": "3com",
    "a" * 63 + ".b": "a" * 63 + ".b",
}
BAD_HOSTS = [
    "", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a b", "a\n", "a\0.b", "a/b", "a:1", "*", "*.a", "*.", "*.*.a.b",
    "a.*.b", "f*.a.b", "*a.b.c", "127.0.0.1", "1", "a.1", "::1", "a" * 64, ".".join(["a" * 63] * 4), "bücher.example",
    "\u212aubernetes.example", "a.\u0661", "a\u3002b", "\u0130.example",
]  # fmt: skip


class TrustDomainTests(Case):
    def test_writes_identities(self) -> None:
        self.assertEqual(DOMAIN.uri, "spiffe://pkid.internal")
        self.assertEqual(DOMAIN.core, "spiffe://pkid.internal/pkid/core")
        self.assertEqual(DOMAIN.identity("db-1.a_B"), "spiffe://pkid.internal/db-1.a_B")

    def test_reads_what_it_wrote_and_nothing_else(self) -> None:
        self.assertEqual(DOMAIN.component("spiffe://pkid.internal/db"), "db")
        for uri in (
            "spiffe://other/db", "spiffe://pkid.internal", "spiffe://pkid.internal/", "spiffe://pkid.internal/a/b",
            "SPIFFE://pkid.internal/db", "spiffe://PKID.internal/db", "spiffe://pkid.internal.evil/db", "db", "",
            "spiffe://pkid.internal:443/db", "spiffe://u@pkid.internal/db", "spiffe://pkid.internal/db?x",
            "spiffe://pkid.internal/db#x", "spiffe://pkid.internal/%64b", "spiffe://pkid.internal/..",
            "spiffe://pkid.internal/.", "spiffe://pkid.internal//db", "spiffe://pkid.internal/db\n",
            "spiffe://pkid.internal/spiffe://pkid.internal/db", "spiffe://pkid.internal/" + "a" * 129,
        ):  # fmt: skip
            with self.assertRaises(Refused) as caught:
                DOMAIN.component(uri)
            self.assertIs(caught.exception.reason, Reason.BAD_IDENTITY, uri)

    def test_no_component_can_be_the_core(self) -> None:
        with self.assertRaises(Refused):
            DOMAIN.component(DOMAIN.core)
        with self.assertRaises(Refused):
            DOMAIN.identity("pkid/core")

    def test_has_a_name_of_few_characters(self) -> None:
        self.assertEqual(TrustDomain("a-b_c.9").name, "a-b_c.9")
        for name in ("", "A", "a/b", "a b", "a\n", "a:1", "ä", "a" * 256):
            with self.assertRaises(Refused, msg=name):
                TrustDomain(name)

    @PROPERTY
    @given(st.text(max_size=20) | st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True))
    def test_a_name_either_comes_back_from_its_identity_or_has_none(self, name: str) -> None:
        if is_component(name):
            self.assertEqual(DOMAIN.component(DOMAIN.identity(name)), name)
        else:
            self.assertRaises(Refused, DOMAIN.identity, name)


class ComponentTests(Case):
    def test_components(self) -> None:
        for name in ("a", "A.b_c-9", "...", "-", "a" * 128):
            self.assertTrue(is_component(name), name)
        for name in ("", ".", "..", "a/b", "a b", "a\n", "é", "a" * 129, "a%", "a:b"):
            self.assertFalse(is_component(name), name)


class NamesTests(Case):
    def test_drops_doubles_and_keeps_the_order(self) -> None:
        one, two = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
        names = Names.of(("b", "a", "b"), (two, one, two), ("u", "u"))
        self.assertEqual(names, Names(("b", "a"), (two, one), ("u",)))
        self.assertEqual(len(names), 5)
        self.assertEqual(len(Names()), 0)


class HostNameTests(Case):
    def test_accepted_in_lower_case(self) -> None:
        for text, name in GOOD_HOSTS.items():
            self.assertEqual(host_name(text), name)
            self.assertTrue(is_host_name(text))

    def test_refused(self) -> None:
        for text in BAD_HOSTS:
            with self.assertRaises(Refused, msg=repr(text)) as caught:
                host_name(text)
            self.assertIs(caught.exception.reason, Reason.BAD_NAME)
            self.assertFalse(is_host_name(text))

    def test_the_longest_has_253_characters(self) -> None:
        longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
        self.assertEqual(len(longest), 253)
        self.assertTrue(is_host_name(longest))
        self.assertFalse(is_host_name(longest + "d"))

    @PROPERTY
    @given(st.text(alphabet=st.sampled_from("aZ09*-_. \u212a\n\0"), max_size=12) | st.text(max_size=8))
    def test_what_is_accepted_is_lower_case_ascii_and_stays_as_it_is(self, text: str) -> None:
        if is_host_name(text):
            self.assertRegex(host_name(text), r"\A(\*\.)?[a-z0-9_.-]+\Z")
            self.assertEqual(host_name(host_name(text)), host_name(text))
            self.assertTrue(text.isascii())


class AddressTests(Case):
    def test_accepted(self) -> None:
        for text in ("127.0.0.1", "10.0.0.1", "::1", "fe80::1", "2001:db8::1"):
            self.assertEqual(ip_name(text), ip_address(text))
        self.assertEqual(ip_name(IPv4Address("192.0.2.1")), IPv4Address("192.0.2.1"))
        self.assertEqual(str(ip_name("2001:DB8:0::1")), "2001:db8::1")

    def test_refused(self) -> None:
        for address in (
            "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "fe80::1%eth0", "", "a", "1.2.3", "1.2.3.4/32",
            "01.2.3.4", " 1.2.3.4", "1.2.3.4\n", "[::1]", ip_network("10.0.0.0/8"), ip_network("10.0.0.1/32"),
            ip_network("2001:db8::/64"), None, 16909060.5,
            "::ffff:10.0.0.1",
        ):  # fmt: skip
            with self.assertRaises(Refused, msg=repr(address)) as caught:
                ip_name(address)
            self.assertIs(caught.exception.reason, Reason.BAD_NAME)


class CommonNameTests(Case):
    def test_accepted_as_they_are(self) -> None:
        for text in ("a", "Fix Root CA", "*.example", "Bücher & Söhne", '"quoted"', "a" * 64, "é" * 32):
            self.assertEqual(common_name(text), text)

    def test_refused(self) -> None:
        for text in (
            "", " ", " a", "a ", "a\n", "a\0b", "a\x1b[2J", "a\x7f", "a\x85b", "a\u2028b", "a\u202eb", "\u00a0a",
            "a" * 65, "é" * 33, "\ud800",
        ):  # fmt: skip
            with self.assertRaises(Refused, msg=repr(text)) as caught:
                common_name(text)
            self.assertIs(caught.exception.reason, Reason.BAD_NAME)

    def test_who_asks_for_one_that_is_too_long_learns_what_to_do(self) -> None:
        said = str(self.assertRaises(Refused, common_name, "é" * 33))
        self.assertIn("(66 bytes; it may have 64, alternative names more)", said)


class MessageTests(Case):
    def test_an_error_repeats_a_name_on_one_line_of_bounded_length(self) -> None:
        huge = "a\r\nb" + "x" * 60_000
        for check in (host_name, ip_name, common_name, DOMAIN.component, DOMAIN.identity, TrustDomain):
            with self.assertRaises(Refused) as caught:
                check(huge)
            self.assertTrue(str(caught.exception).isprintable())
            self.assertLess(len(str(caught.exception)), 300)
