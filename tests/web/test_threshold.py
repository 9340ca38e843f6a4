"""The threshold: which requests a web page of a stranger may have sent, and what every answer says is off."""

from __future__ import annotations

from collections.abc import Callable

from twisted.web.http_headers import Headers

from pkid.auth.credentials import Member
from pkid.auth.roles import ALL_RIGHTS
from pkid.ca.policy import ANY_NAME
from pkid.errors import Reason, Refused
from pkid.web.threshold import check_host, check_origin
from tests.certificates import csr_pem
from tests.support import Case
from tests.web.memory import Door, bearer, request
from tests.web.test_pages import PageCase, header


def headers(host: str | None = "core:8900", **more: str) -> Headers:
    found = {} if host is None else {b"Host": [host.encode()]}
    found |= {name.replace("_", "-").encode(): [value.encode()] for name, value in more.items()}
    return Headers(found)


def is_own(name: str) -> bool:
    return name in {"localhost", "core"}


class RuleCase(Case):
    def reason(self, check: Callable[[], None]) -> Reason | None:
        try:
            check()
        except Refused as error:
            return error.reason
        return None


class OriginTests(RuleCase):
    def is_refused(self, host: str | None, **more: str) -> bool:
        reason = self.reason(lambda: check_origin(headers(host, **more)))
        self.assertIn(reason, (None, Reason.CROSS_ORIGIN))
        return reason is not None

    def test_who_is_no_browser_says_nothing_of_an_origin(self) -> None:
        self.assertFalse(self.is_refused(None))
        for host in ("core:8900", "", "[::1]:8900", "]["):
            self.assertFalse(self.is_refused(host), host)

    def test_the_origin_must_be_the_host_with_its_port(self) -> None:
        for host, origin in (
            ("core:8900", "https://core:8900"), ("Core:8900", "HTTPS://CORE:8900"), ("core", "https://core"),
            ("core:443", "https://core"), ("core", "https://core:443"), ("core", "http://core:80"),
            ("127.0.0.1:8900", "http://127.0.0.1:8900"), ("[::1]:8900", "https://[::1]:8900"),
        ):  # fmt: skip
            self.assertFalse(self.is_refused(host, Origin=origin), (host, origin))
        foreign: tuple[tuple[str | None, str], ...] = (
            ("core:8900", "http://evil.example"), ("core:8900", "https://core:8901"), ("core:8900", "https://core"),
            ("core:8900", "null"), ("core:8900", ""), ("core:8900", "core:8900"), ("core:8900", "https://"),
            ("core:8900", "https://core.evil.example:8900"), ("core:8900", "https://core:8900@evil.example"),
            ("core:8900", "https://evil.example#core:8900"), ("core:8900", "ftp://core:8900"),
            ("core:8900", "https://core:89000"), ("core:80", "https://core:80"),
            (None, "null"), (None, "https://core"), ("][", "]["), ("", ""),
        )  # fmt: skip
        for named, origin in foreign:
            self.assertTrue(self.is_refused(named, Origin=origin), (named, origin))

    def test_one_foreign_origin_among_several(self) -> None:
        found = headers("core")
        found.setRawHeaders(b"Origin", [b"https://core", b"https://evil.example"])
        self.assertIs(self.reason(lambda: check_origin(found)), Reason.CROSS_ORIGIN)

    def test_what_the_browser_says_of_the_site(self) -> None:
        for site, refused in (
            ("cross-site", True), ("same-site", True), ("Cross-Site", True), (" cross-site ", True),
            ("same-origin", False), ("none", False), ("", False), ("news", False),
        ):  # fmt: skip
            self.assertEqual(self.is_refused("core", Sec_Fetch_Site=site), refused, site)


class HostTests(RuleCase):
    def test_the_cores_names_and_addresses(self) -> None:
        for host in ("core", "core:8900", "CORE", "core.", "localhost:1", "127.0.0.1", "10.0.0.1:8900", "[::1]:8900"):
            self.assertIsNone(self.reason(lambda host=host: check_host(headers(host), is_own)), host)  # type: ignore[misc]

    def test_other_names(self) -> None:
        for host in (
            "evil.example", "core.evil.example:8900", "evil.core", None, "", ":8900", "core:x", "core/", "a@core",
            "[::1", "0x7f.1", "core\\evil",
        ):  # fmt: skip
            self.assertIs(self.reason(lambda host=host: check_host(headers(host), is_own)), Reason.WRONG_HOST, host)  # type: ignore[misc]

    def test_two_hosts_are_none(self) -> None:
        found = Headers({b"Host": [b"core", b"core"]})
        self.assertIs(self.reason(lambda: check_host(found, is_own)), Reason.WRONG_HOST)

    def test_the_answer_says_what_to_do(self) -> None:
        with self.assertRaises(Refused) as caught:
            check_host(headers("evil.example" * 100), is_own)
        self.assertIn("--host-dns-names", str(caught.exception))
        self.assertLess(len(str(caught.exception)), 300)


class OpenDoorCase(PageCase):
    """A door behind which nobody proves anything, and which speaks plain text."""

    def setUp(self) -> None:
        super().setUp()
        self.use(
            Door(
                psks=(),
                nobody=Member("nobody", ALL_RIGHTS, ANY_NAME),
                notices=("no authentication", "no x"),
                is_own_name=is_own,
            )
        )


class OpenDoorTests(OpenDoorCase):
    def test_everybody_may_do_everything(self) -> None:
        for authorization in (b"", b"Bearer nonsense", b"Basic YTpi"):
            self.assertEqual(self.ask("POST", "/ca/sign", csr_pem(), authorization).code, 200)
        self.assertEqual({entry.credential for entry in self.door.store.entries}, {"nobody"})
        self.assertEqual({entry.origin for entry in self.door.store.entries}, {"nobody"})
        command = b"certificate create --common-name a.b --key-type p256"
        self.assertEqual(self.ask("POST", "/cli/execute", command, Content_Type=b"text/plain").code, 200)
        self.assertEqual(self.ask("GET", "/nowhere").code, 404)

    def test_nothing_vouches_for_the_certificate(self) -> None:
        answer = self.ask("GET", "/ca/cert")
        self.assertEqual((answer.code, header(answer, "Authorization")), (200, None))
        self.assertIsNone(header(answer, "PKID-Fingerprint-Token"))

    def test_every_answer_says_what_is_off(self) -> None:
        for method, path in (
            ("GET", "/ca/cert"), ("GET", "/system/ping"), ("POST", "/ca/sign"), ("PUT", "/ca/sign"), ("GET", "/none"),
        ):  # fmt: skip
            self.assertEqual(header(self.ask(method, path), "PKID-Warning"), ["no authentication", "no x"], path)
        refused = self.ask("POST", "/ca/sign", Origin=b"http://evil.example")
        self.assertEqual((refused.code, len(header(refused, "PKID-Warning") or [])), (403, 2))
        for sent in (b"nonsense\r\n", request("POST", "/system/ping", b"x" * 5000)):
            connection = self.door.connect()
            connection.send(sent)
            self.assertEqual(connection.received.count(b"\r\nPKID-Warning: no authentication\r\n"), 1)
            connection.leave()

    def test_ready_says_it_too(self) -> None:
        self.is_plain(self.ask("GET", "/system/ready"), 200, b"ok\nno authentication\nno x")

    def test_nobody_needs_to_log_in(self) -> None:
        answer = self.ask("GET", "/authorization/user")
        self.assertEqual((answer.code, answer.body, header(answer, "Content-Length")), (204, b"", None))

    def test_a_page_of_a_stranger_gets_nothing_done(self) -> None:
        for more in ({"Origin": b"http://evil.example"}, {"Origin": b"null"}, {"Sec_Fetch_Site": b"cross-site"}):
            answer = self.ask("POST", "/ca/sign", csr_pem(), **more)
            message = b"Message: a web page of another origin may not ask this core for anything"
            self.is_plain(answer, 403, b"Error: cross-origin\n" + message)
            self.assertIsNone(header(answer, "Access-Control-Allow-Origin"))
        self.assertEqual(self.door.store.entries, [])

    def test_a_name_that_was_made_to_point_here_gets_nothing_done(self) -> None:
        connection = self.door.connect()
        sent = request("POST", "/ca/sign", csr_pem()).replace(b"Host: core", b"Host: evil.example")
        connection.send(sent)
        self.assertEqual(connection.statuses, [403])
        self.assertIn(
            b"Error: wrong-host\nMessage: this core does not go by the name 'evil.example'", connection.received
        )
        self.assertEqual(self.door.store.entries, [])


class ProtectedDoorTests(PageCase):
    """With authentication, a page of a stranger is refused too; names are nobody's business."""

    def test_an_origin_of_others(self) -> None:
        answer = self.ask("POST", "/ca/sign", csr_pem(), bearer(), Origin=b"http://evil.example")
        self.assertEqual((answer.code, answer.body.split(b"\n")[0]), (403, b"Error: cross-origin"))
        self.assertEqual(self.ask("POST", "/ca/sign", csr_pem(), bearer(), Origin=b"http://core").code, 200)

    def test_another_name_and_nothing_to_warn_of(self) -> None:
        connection = self.door.connect()
        connection.send(request("GET", "/system/ping").replace(b"Host: core", b"Host: proxy.example"))
        self.assertEqual(connection.statuses, [200])
        self.assertNotIn(b"PKID-Warning", connection.received)

    def test_there_is_no_page_about_users(self) -> None:
        self.assertEqual(self.ask("GET", "/authorization/user").code, 401)
        self.assertEqual(self.ask("GET", "/authorization/user", authorization=bearer()).code, 404)
