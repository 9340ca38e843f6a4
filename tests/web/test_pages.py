"""The bytes of every answer, as the originals' clients read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.web.http_headers import Headers

from pkid.auth.endorsement import Endorsements
from pkid.ca.trust import fingerprint
from pkid.errors import Reason, Unavailable
from tests.certificates import NOON, PSK, SALT, authority, csr_pem, handmade_token, make_token, signing_key
from tests.support import Case
from tests.web.memory import CA_DER, CA_PEM, Door, Visitor, bearer

SOON = NOON.timestamp() + 300
PLAIN = ["text/plain; charset=utf-8"]


class PageCase(Case):
    def setUp(self) -> None:
        self.use(Door())

    def use(self, door: Door) -> None:
        """Ask at this door from now on."""
        self.door = door
        self.client: Any = Visitor(door.routes)

    def ask(
        self, method: str, path: str, body: bytes = b"", authorization: bytes | Sequence[bytes] = (), **more: bytes
    ) -> Any:
        """Ask for a page, and return the answer with its ``body`` read; ``_`` in a header's name stands for ``-``."""
        values = [authorization] if isinstance(authorization, bytes) else list(authorization)
        headers = Headers({b"Authorization": values} if values else {})
        for name, value in more.items():
            headers.addRawHeader(name.replace("_", "-").encode(), value)
        answer = self.successResultOf(self.client.request(method, f"http://core{path}", data=body, headers=headers))
        answer.body = self.successResultOf(answer.content())
        return answer

    def is_plain(self, answer: Any, status: int, body: bytes) -> None:
        self.assertEqual((answer.code, answer.body), (status, body))
        self.assertEqual(header(answer, "Content-Type"), PLAIN)


def header(answer: Any, name: str) -> list[str] | None:
    values: list[str] | None = answer.headers.getRawHeaders(name)
    return values


class CertificatePageTests(PageCase):
    def test_the_certificate_its_fingerprint_and_the_proof(self) -> None:
        answer = self.ask("GET", "/ca/cert")
        self.assertEqual((answer.code, answer.body), (200, CA_PEM))
        self.assertTrue(answer.body.endswith(b"-----END CERTIFICATE-----\n"))
        self.assertEqual(header(answer, "Content-Type"), ["application/x-pem-file"])
        self.assertEqual(header(answer, "Content-Disposition"), ['attachment; filename="pkid_root_ca.pem"'])
        self.assertEqual(header(answer, "SHA256-Fingerprint"), [fingerprint(CA_DER)])
        self.assertEqual(len(fingerprint(CA_DER)), 95)
        (authorization,) = header(answer, "Authorization") or []
        scheme, token = authorization.split(" ")
        claims = jwt.decode(token, signing_key(), ["HS256"], options={"verify_exp": False})
        self.assertEqual((scheme, claims), ("Bearer", {"sha256_fingerprint": fingerprint(CA_DER), "exp": int(SOON)}))

    def test_an_answer_that_cannot_be_made_is_an_error_and_not_a_silence(self) -> None:
        for error, status in ((ZeroDivisionError(), 500), (Unavailable(Reason.STORE), 503)):
            self.patch(Endorsements, "tokens", Mock(side_effect=error))
            self.assertEqual(self.ask("GET", "/ca/cert").code, status)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_another_authority_is_shown_and_vouched_for_at_once(self) -> None:
        self.ask("GET", "/ca/cert")
        anchor = authority("CN=top")
        self.door.authority.succeed(authority("CN=bottom", anchor))
        answer = self.ask("GET", "/ca/cert")
        digest = fingerprint(anchor.certificate.public_bytes(Encoding.DER))
        self.assertEqual(answer.body, anchor.certificate.public_bytes(Encoding.PEM))
        self.assertEqual(header(answer, "SHA256-Fingerprint"), [digest])
        (authorization,) = header(answer, "Authorization") or []
        claims = jwt.decode(authorization[7:], signing_key(), ["HS256"], options={"verify_exp": False})
        self.assertEqual(claims["sha256_fingerprint"], digest)

    def test_credentials_are_not_looked_at(self) -> None:
        for value in (b"Bearer", b"Basic YTpi", b"Bearer a b", b"\xff\xfe", b"Bearer " + b"x" * 9000, bearer()):
            for path in ("/ca/cert", "/system/ping", "/system/ready"):
                self.assertEqual(self.ask("GET", path, authorization=value).code, 200, (path, value[:20]))

    def test_only_the_head(self) -> None:
        whole, head = self.ask("GET", "/ca/cert"), self.ask("HEAD", "/ca/cert")
        self.assertEqual((head.code, head.body), (200, b""))
        self.assertEqual(header(head, "SHA256-Fingerprint"), header(whole, "SHA256-Fingerprint"))

    def test_other_methods(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
            answer = self.ask(method, "/ca/cert")
            self.is_plain(answer, 405, b"405: Method Not Allowed")
            self.assertEqual(header(answer, "Allow"), ["GET,HEAD"])

    def test_the_query_changes_nothing(self) -> None:
        self.assertEqual(self.ask("GET", "/ca/cert?x=1&y").body, CA_PEM)

    def test_every_answer_forbids_caching_guessing_and_foreign_scripts(self) -> None:
        for answer in (self.ask("GET", "/ca/cert"), self.ask("GET", "/nowhere")):
            self.assertEqual(header(answer, "Cache-Control"), ["no-store"])
            self.assertEqual(header(answer, "X-Content-Type-Options"), ["nosniff"])
            self.assertEqual(header(answer, "Server"), ["pkid"])
            self.assertIsNone(header(answer, "Access-Control-Allow-Origin"))


class SystemPageTests(PageCase):
    def test_ping(self) -> None:
        self.is_plain(self.ask("GET", "/system/ping"), 200, b"pong")

    def test_ready(self) -> None:
        self.is_plain(self.ask("GET", "/system/ready"), 200, b"ok")
        self.assertEqual(self.door.store.touches, 1)

    def test_not_ready(self) -> None:
        self.door.store.fail_next()
        answer = self.ask("GET", "/system/ready")
        self.is_plain(answer, 503, b"Error: store\nMessage: the ledger cannot be written; try again")
        self.assertEqual(header(answer, "Retry-After"), ["1"])


class SignPageTests(PageCase):
    def test_a_certificate_alone(self) -> None:
        answer = self.ask("POST", "/ca/sign", csr_pem(), bearer())
        self.assertEqual(answer.code, 200)
        self.assertEqual(header(answer, "Content-Type"), ["application/x-pem-file"])
        self.assertIsNone(header(answer, "Authorization"))
        (entry,) = self.door.store.entries
        certificate = x509.load_pem_x509_certificate(answer.body)
        self.assertEqual(answer.body, certificate.public_bytes(Encoding.PEM))
        self.assertEqual(entry.certificate, certificate.public_bytes(Encoding.DER))
        self.assertEqual(header(answer, "SHA256-Fingerprint"), [fingerprint(entry.certificate)])
        self.assertEqual((entry.credential, entry.serial), ("psk:default", certificate.serial_number))

    def test_intermediates_follow_it_and_the_root_does_not(self) -> None:
        issuer = authority("CN=bottom", authority("CN=middle", authority("CN=top")))
        self.door.authority.succeed(issuer)
        answer = self.ask("POST", "/ca/sign", csr_pem(), bearer())
        (entry,) = self.door.store.entries
        leaf = x509.load_der_x509_certificate(entry.certificate)
        self.assertEqual(x509.load_pem_x509_certificates(answer.body), [leaf, *issuer.intermediates])
        self.assertEqual(header(answer, "SHA256-Fingerprint"), [fingerprint(entry.certificate)])

    def test_bad_bodies(self) -> None:
        none = b"Error: not-pem\nMessage: the body holds no PEM certificate request (DER is not read)"
        der = x509.load_pem_x509_csr(csr_pem()).public_bytes(Encoding.DER)
        for body in (b"", b"hello", der):
            self.is_plain(self.ask("POST", "/ca/sign", body, bearer()), 400, none)

    def test_what_is_refused_is_403_and_says_why(self) -> None:
        answer = self.ask("POST", "/ca/sign", csr_pem(common_name="not a host"), bearer())
        self.assertEqual((answer.code, answer.body.split(b"\n")[0]), (403, b"Error: no-name"))

    def test_what_is_asked_for_cannot_make_more_lines(self) -> None:
        body = csr_pem(common_name=None, uri=["spiffe://pkid.internal/a%0d%0aSet-Cookie:x"])
        answer = self.ask("POST", "/ca/sign", body, bearer())
        self.assertEqual((answer.code, answer.body.count(b"\n")), (403, 1))

    def test_a_failed_commit_is_503_and_the_next_order_is_served(self) -> None:
        self.door.store.fail_next()
        answer = self.ask("POST", "/ca/sign", csr_pem(), bearer())
        self.is_plain(answer, 503, b"Error: store\nMessage: the ledger cannot be written; try again")
        self.assertEqual(header(answer, "Retry-After"), ["1"])
        self.assertEqual(self.door.store.entries, [])
        self.assertEqual(self.ask("POST", "/ca/sign", csr_pem(), bearer()).code, 200)

    def test_other_methods_once_the_caller_is_known(self) -> None:
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            self.assertEqual(self.ask(method, "/ca/sign").code, 401)
            answer = self.ask(method, "/ca/sign", authorization=bearer())
            self.assertEqual((answer.code, header(answer, "Allow")), (405, ["POST"]))

    def test_users_need_the_right(self) -> None:
        readonly = bearer(email="a@example.org", roles="readonly")
        answer = self.ask("POST", "/ca/sign", csr_pem(), readonly)
        self.is_plain(answer, 403, b"Not allowed to perform this operation. Missing permission: admin")
        self.assertEqual(
            self.ask("POST", "/ca/sign", csr_pem(), bearer(email="a@b", roles="readonly, admin")).code, 200
        )

    def test_what_nobody_expected_is_500_without_a_word(self) -> None:
        self.patch(type(self.door.authority), "fulfil", lambda *_: 1 // 0)
        self.is_plain(self.ask("POST", "/ca/sign", csr_pem(), bearer()), 500, b"500: Internal Server Error")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PathTests(PageCase):
    def test_strangers_are_not_told_what_is_not_there(self) -> None:
        for path in ("/", "/nowhere", "/ca/cert/", "/CA/CERT", "//ca/cert", "/ca%2Fcert", "/ca/./cert", "/system/"):
            self.is_plain(self.ask("GET", path), 401, b"401: Unauthorized")
            self.is_plain(self.ask("GET", path, authorization=bearer()), 404, b"404: Not Found")

    def test_any_method(self) -> None:
        self.assertEqual(self.ask("OPTIONS", "/nowhere", authorization=bearer()).code, 404)
        self.assertEqual(self.ask("BREW", "/nowhere").code, 401)


class CredentialTests(PageCase):
    """Whatever is wrong with a credential, the answer is the same 401."""

    def test_malformed_and_wrong_ones(self) -> None:
        good, key = make_token({}, expires_at=SOON), signing_key()
        usual = b'{"alg":"HS256","salt":"AAAAAAAAAAAAAAAAAAAAAA=="}'
        values: dict[str, bytes | Sequence[bytes]] = {
            "none": (),
            "empty": b"",
            "scheme alone": b"Bearer",
            "scheme and space": b"Bearer ",
            "no space": good,
            "garbage": b"Bearer garbage",
            "dots": b"Bearer ...",
            "not ASCII": b"Bearer \xff\xfe\x80",
            "Basic": b"Basic YTpi",
            "other scheme": b"Basic " + good,
            "two spaces": b"Bearer  " + good,
            "more behind": b"Bearer " + good + b" x",
            "tab": b"Bearer\t" + good,
            "twice": [b"Bearer " + good] * 2,
            "with a bad one": [b"Bearer " + good, b"Basic YTpi"],
            "alg none": b"Bearer " + make_token({}, expires_at=SOON, header={"alg": "none"}),
            "alg HS512": b"Bearer " + make_token({}, expires_at=SOON, header={"alg": "HS512"}),
            "alg a list": b"Bearer " + make_token({}, expires_at=SOON, header={"alg": ["HS256"]}),
            "no salt": b"Bearer " + make_token({}, expires_at=SOON, header={"salt": None}),
            "numeric salt": b"Bearer " + make_token({}, expires_at=SOON, header={"salt": 7}),
            "empty salt": b"Bearer " + make_token({}, expires_at=SOON, header={"salt": ""}),
            "bad base64": b"Bearer " + make_token({}, expires_at=SOON, header={"salt": "!!!"}),
            "other script": b"Bearer " + make_token({}, expires_at=SOON, header={"salt": "\u00e4\u00f6"}),
            "foreign kid": b"Bearer " + make_token({}, expires_at=SOON, header={"kid": "other"}),
            "numeric kid": b"Bearer " + make_token({}, expires_at=SOON, header={"kid": 1}),
            "kid a list": b"Bearer " + make_token({}, expires_at=SOON, header={"kid": ["default"]}),
            "expired": b"Bearer " + make_token({}, expires_at=NOON.timestamp()),
            "no expiry": b"Bearer " + make_token({}),
            "far expiry": b"Bearer " + make_token({}, expires_at=NOON.timestamp() + 30 * 365 * 86400),
            "infinite expiry": b"Bearer " + make_token({}, expires_at=float("inf")),
            "huge expiry": b"Bearer " + make_token({"exp": 10**400}),
            "text expiry": b"Bearer " + make_token({"exp": "soon"}),
            "not yet": b"Bearer " + make_token({"nbf": SOON}, expires_at=SOON),
            "from the future": b"Bearer " + make_token({"iat": SOON}, expires_at=SOON),
            "audience": b"Bearer " + make_token({"aud": "x"}, expires_at=SOON),
            "numeric subject": b"Bearer " + make_token({"sub": 1}, expires_at=SOON),
            "no roles": b"Bearer " + make_token({"email": "a@b"}, expires_at=SOON),
            "numeric roles": b"Bearer " + make_token({"email": "a@b", "roles": 1}, expires_at=SOON),
            "the core's own word": b"Bearer " + make_token({"sha256_fingerprint": "AA"}, expires_at=SOON),
            "payload a list": b"Bearer " + handmade_token(usual, b"[]", key),
            "header a list": b"Bearer " + handmade_token(b"[]", b"{}", key),
            "deep header": b"Bearer " + handmade_token(b"[" * 4000, b"{}", key),
            "wrong key": b"Bearer " + handmade_token(usual, b"{}", b"k"),
            "cut short": b"Bearer " + good[:-1],
            "too long": b"Bearer " + b"a" * 9000,
        }
        for what, value in values.items():
            answer = self.ask("POST", "/ca/sign", csr_pem(), value)
            self.assertEqual((answer.code, answer.body), (401, b"401: Unauthorized"), what)
            self.assertEqual(header(answer, "WWW-Authenticate"), ['Bearer realm="pkid"'], what)
            self.assertEqual(header(answer, "Content-Type"), PLAIN, what)
        self.assertEqual(self.door.store.entries, [])

    def test_the_word_that_was_given_at_the_open_page(self) -> None:
        (word,) = header(self.ask("GET", "/ca/cert"), "Authorization") or []
        self.assertEqual(self.ask("POST", "/ca/sign", csr_pem(), word.encode()).code, 401)

    def test_the_scheme_in_any_case(self) -> None:
        for scheme in (b"Bearer", b"bearer", b"BEARER"):
            self.assertEqual(self.ask("GET", "/nowhere", authorization=bearer().replace(b"Bearer", scheme)).code, 404)

    def test_a_later_first_use_of_another_salt(self) -> None:
        other = make_token({}, expires_at=SOON, psk=PSK, salt=SALT[::-1])
        self.assertEqual(self.ask("GET", "/nowhere", authorization=b"Bearer " + other).code, 404)
