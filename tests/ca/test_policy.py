"""Policies: which names each allows, on both sides of every boundary."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from pkid.ca.names import Names, TrustDomain
from pkid.ca.patterns import ComponentPattern, HostPattern, NetworkPattern
from pkid.ca.policy import ANY_NAME, Policy, Rules
from pkid.errors import Reason, Refused
from tests.support import Case

DOMAIN = TrustDomain("pkid.internal")
WEB = Policy(
    dns=Rules((HostPattern("*.web.example"), HostPattern("localhost")), (HostPattern("secret.web.example"),)),
    ip=Rules((NetworkPattern(ip_network("10.0.0.0/8")),), (NetworkPattern(ip_network("10.1.0.0/16")),)),
    components=Rules((ComponentPattern("web-*"),), (ComponentPattern("web-0"),)),
)


class PolicyCase(Case):
    def refused(
        self, policy: Policy, *, dns: str = "", ip: str = "", component: str = "", common_name: str | None = None
    ) -> str | None:
        """Return the name that is refused, or ``None``."""
        uri = (DOMAIN.identity(component),) if component else ()
        names = Names(tuple(dns.split()), tuple(map(ip_address, ip.split())), uri)
        try:
            policy.check(names, common_name, DOMAIN)
        except Refused as error:
            self.assertIs(error.reason, Reason.NOT_ALLOWED)
            return error.subject.strip("'")
        return None


class NameTests(PolicyCase):
    def test_without_rules_every_name_is_allowed(self) -> None:
        every = {"dns": "a.b *.c.d", "ip": "10.0.0.1 ::1", "component": "db"}
        for common_name in (None, "a", "a.b", "10.0.0.1", "two words", "*.com", "*"):
            self.assertIsNone(self.refused(ANY_NAME, common_name=common_name, **every))

    def test_hosts(self) -> None:
        for name in ("a.web.example", "b.a.web.example", "localhost", "*.a.web.example"):
            self.assertIsNone(self.refused(WEB, dns=name), name)
        for name in ("web.example", "a.example", "aweb.example", "a.localhost", "*.example"):
            self.assertEqual(self.refused(WEB, dns=name), name)

    def test_a_denial_is_stronger_and_reaches_into_wildcards(self) -> None:
        for name in ("secret.web.example", "*.web.example"):
            self.assertEqual(self.refused(WEB, dns=name), name)
        self.assertIsNone(self.refused(WEB, dns="x.secret.web.example"))

    def test_addresses(self) -> None:
        for address in ("10.0.0.1", "10.255.255.255", "10.0.255.255", "10.2.0.0"):
            self.assertIsNone(self.refused(WEB, ip=address), address)
        for address in ("9.255.255.255", "11.0.0.0", "10.1.0.0", "10.1.255.255", "::a00:1", "2001:db8::1"):
            self.assertEqual(self.refused(WEB, ip=address), address)

    def test_components(self) -> None:
        for name in ("web-1", "web-", "web-0.1"):
            self.assertIsNone(self.refused(WEB, component=name), name)
        for name in ("web", "web-0", "db", "Web-1"):
            self.assertEqual(self.refused(WEB, component=name), name)

    def test_one_name_spoils_all(self) -> None:
        self.assertEqual(self.refused(WEB, dns="a.web.example b.example", ip="10.0.0.1"), "b.example")

    def test_a_list_for_one_kind_refuses_the_kinds_without_one(self) -> None:
        hosts = Policy(dns=Rules((HostPattern("*"),)))
        self.assertIsNone(self.refused(hosts, dns="a.b"))
        self.assertEqual(self.refused(hosts, ip="10.0.0.1"), "10.0.0.1")
        self.assertEqual(self.refused(hosts, component="db"), "db")
        self.assertEqual(self.refused(Policy(ip=Rules(())), dns="a.b"), "a.b")

    def test_an_empty_list_allows_nothing(self) -> None:
        self.assertEqual(self.refused(Policy(dns=Rules(())), dns="a.b"), "a.b")

    def test_denials_alone_allow_the_rest(self) -> None:
        policy = Policy(dns=Rules(deny=(HostPattern("*.corp"),)), components=Rules(deny=(ComponentPattern("db"),)))
        self.assertIsNone(self.refused(policy, dns="a.b", ip="10.0.0.1", component="web", common_name="two words"))
        self.assertEqual(self.refused(policy, dns="a.corp"), "a.corp")
        self.assertEqual(self.refused(policy, component="db"), "db")

    def test_what_is_listed_literally(self) -> None:
        policy = Policy(components=Rules((ComponentPattern("db"), ComponentPattern("w*")), (ComponentPattern("x"),)))
        self.assertEqual([policy.lists(name) for name in ("db", "web", "x", "other")], [True, False, False, False])
        denied = Policy(components=Rules((ComponentPattern("db"),), (ComponentPattern("d*"),)))
        self.assertFalse(denied.lists("db"))
        self.assertFalse(ANY_NAME.lists("db"))

    def test_a_name_that_was_listed_literally_is_still_allowed_only_if_it_still_is(self) -> None:
        literal, pattern = Rules((ComponentPattern("web-1"),)), Rules((ComponentPattern("web-*"),))
        listed, meant = Policy(components=literal), Policy(components=pattern)
        held = [new.still_allows(former, "web-1") for former in (listed, meant) for new in (listed, meant, ANY_NAME)]
        self.assertEqual(held, [True, False, False, True, True, True])
        self.assertFalse(listed.still_allows(meant, "web-2"))


class CommonNameTests(PolicyCase):
    """A common name must be allowed as a component's name or a host's, whichever clients may take it for."""

    def test_beside_a_dns_name_it_may_be_either(self) -> None:
        for name in ("web-1", "a.web.example", "A.Web.Example", "localhost"):
            self.assertIsNone(self.refused(WEB, dns="a.web.example", common_name=name), name)
        for name in (
            "db",
            "b.example",
            "B.EXAMPLE",
            "b.example.",
            "web-0",
            "secret.web.example",
            "Secret.Web.Example.",
        ):
            self.assertEqual(self.refused(WEB, dns="a.web.example", common_name=name), name)

    def test_a_denial_of_either_kind_counts(self) -> None:
        components = Policy(WEB.dns, WEB.ip, Rules((ComponentPattern("*"),)))
        self.assertEqual(
            self.refused(components, dns="localhost", common_name="secret.web.example"), "secret.web.example"
        )
        hosts = Policy(Rules((HostPattern("*"),)), WEB.ip, Rules(deny=(ComponentPattern("db"),)))
        self.assertEqual(self.refused(hosts, dns="localhost", common_name="db"), "db")

    def test_without_a_dns_name_clients_go_by_it(self) -> None:
        names = {"ip": "10.0.0.1", "component": "web-1"}
        self.assertIsNone(self.refused(WEB, common_name="a.web.example", **names))
        self.assertEqual(self.refused(WEB, common_name="web-1", **names), "web-1")

    def test_an_address_must_be_allowed_as_one(self) -> None:
        anything = Policy(WEB.dns, WEB.ip, Rules((ComponentPattern("*"),)))
        self.assertIsNone(self.refused(anything, ip="10.0.0.1", common_name="10.0.0.2"))
        for name in ("192.0.2.1", "10.1.0.1", "::1"):
            self.assertEqual(self.refused(anything, ip="10.0.0.1", common_name=name), name)

    def test_an_address_is_denied_in_whatever_form_it_comes(self) -> None:
        policy = Policy(ip=Rules(deny=(NetworkPattern(ip_network("10.0.0.0/8")),)))
        for name in ("10.0.0.1", "[10.0.0.1]", "10.0.0.1%eth0", "::ffff:10.0.0.1", "[::FFFF:a00:1]", "::10.0.0.1"):
            self.assertEqual(self.refused(policy, ip="192.0.2.1", common_name=name), name)
        self.assertIsNone(self.refused(policy, ip="192.0.2.1", common_name="::ffff:192.0.2.1"))

    def test_wildcards(self) -> None:
        self.assertIsNone(self.refused(WEB, dns="localhost", common_name="*.a.web.example"))
        for name in ("*.web.example", "*.example", "*.com", "*", "a*.web.example"):
            self.assertEqual(self.refused(WEB, dns="localhost", common_name=name), name)

    def test_text_is_held_against_the_components_patterns(self) -> None:
        self.assertEqual(self.refused(WEB, dns="localhost", common_name="two words"), "two words")
        anything = Policy(WEB.dns, WEB.ip, Rules((ComponentPattern("*"),)))
        self.assertIsNone(self.refused(anything, dns="localhost", common_name="two words"))
