"""Several pre-shared keys at the door: whose proof stands where, which one a path selects, and what each may do."""

from __future__ import annotations

from datetime import timedelta

from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.roles import Role
from pkid.auth.tokens import body_digest, read_token, verify
from pkid.ca.patterns import HostPattern
from pkid.ca.policy import Policy, Rules
from pkid.ca.trust import fingerprint
from tests.certificates import NOON, PSK, csr_pem, make_token, signing_key
from tests.web.memory import CA_DER, CA_PEM, Door, request
from tests.web.test_pages import PageCase, header

AUTUMN = PreSharedKey(
    "autumn", "the pre-shared key of autumn", Terms(Role.ISSUE, policy=Policy(Rules((HostPattern("*.web.example"),))))
)
ENDING = PreSharedKey("ending", "a pre-shared key that ends", Terms(Role.READ, NOON + timedelta(hours=1)))
SOON = NOON.timestamp() + 300


def proof(psk: PreSharedKey, **claims: object) -> bytes:
    """Return a header that proves a key, whose name it does not say."""
    return b"Bearer " + make_token(claims, expires_at=SOON, psk=psk)


class KeysCase(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.use(Door(psks=(PSK, AUTUMN, ENDING)))

    def vouching(self, path: str) -> tuple[list[str | None], list[str | None]]:
        """Return whose proofs stand in an answer: in the ``Authorization`` header, and in the others."""
        answer = self.ask("GET", path)
        self.assertEqual((answer.code, answer.body), (200, CA_PEM))
        words = [word.removeprefix("Bearer ") for word in header(answer, "Authorization") or []]
        others = header(answer, "PKID-Fingerprint-Token") or []
        return [self.signer(word) for word in words], [self.signer(word) for word in others]

    def signer(self, word: str) -> str | None:
        """Return whose key signed a proof, which is verified."""
        token = read_token(word.encode())
        keys = {psk.name: signing_key(psk.secret) for psk in (PSK, AUTUMN, ENDING)}
        claims = verify(token, keys[str(token.key_id)])
        self.assertEqual(claims["sha256_fingerprint"], fingerprint(CA_DER))
        return token.key_id


class ProofTests(KeysCase):
    def test_the_key_that_ends_first_vouches_where_the_originals_look(self) -> None:
        self.assertEqual(self.vouching("/ca/cert"), (["ending"], ["default", "autumn"]))
        self.door.now += 3600
        self.assertEqual(self.vouching("/ca/cert"), (["default"], ["autumn"]))

    def test_a_path_selects_one_key_alone(self) -> None:
        for name in ("default", "autumn", "ending"):
            self.assertEqual(self.vouching(f"/psk/{name}/ca/cert"), ([name], []))

    def test_without_keys_nothing_vouches(self) -> None:
        self.use(Door(psks=()))
        self.assertEqual(self.vouching("/ca/cert"), ([], []))


class SelectionTests(KeysCase):
    def status(self, path: str, authorization: bytes = b"") -> int:
        code: int = self.ask("POST", path, csr_pem(common_name=None, dns=["a.web.example"]), authorization).code
        return code

    def test_a_token_under_the_prefix_is_tried_with_that_key_alone(self) -> None:
        self.assertEqual(self.status("/ca/sign", proof(AUTUMN)), 200)
        self.assertEqual(self.status("/psk/autumn/ca/sign", proof(AUTUMN)), 200)
        self.assertEqual(self.status("/psk/autumn/ca/sign", proof(PSK)), 401)
        self.assertEqual(self.status("/psk/default/ca/sign", proof(AUTUMN)), 401)
        self.assertEqual({entry.credential for entry in self.door.store.entries}, {"psk:autumn"})

    def test_a_key_that_is_not_there_is_as_any_path_that_is_not(self) -> None:
        self.door.now += 3600
        for path in ("/psk/nobody/ca/sign", "/psk/ending/ca/sign", "/psk/autumn", "/psk/autumn/", "/psk//ca/sign",
                     "/psk/autumn/psk/autumn/ca/sign", "/psk/autumn//ca/sign", "/psk/Autumn/ca/sign",
                     "/psk/%61utumn/ca/sign", "/psk", "/psk/", "/PSK/autumn/ca/sign"):  # fmt: skip
            self.assertEqual(self.status(path), 401, path)
            token = make_token({}, expires_at=self.door.now + 300, psk=AUTUMN)
            self.assertEqual(self.status(path, b"Bearer " + token), 404, path)

    def test_the_open_pages(self) -> None:
        for path in ("/psk/autumn/system/ping", "/psk/autumn/system/ready"):
            self.assertEqual(self.ask("GET", path).code, 200)

    def test_a_bound_token_is_bound_to_the_path_as_it_was_sent(self) -> None:
        for bound, sent, code in (
            ("/psk/autumn/ca/sign", "/psk/autumn/ca/sign", 200),
            ("/ca/sign", "/psk/autumn/ca/sign", 401),
            ("/psk/autumn/ca/sign", "/ca/sign", 401),
        ):
            body = csr_pem(common_name=None, dns=["a.web.example"])
            now = NOON.timestamp()
            claims = {"htm": "POST", "htp": bound, "htd": body_digest(body), "iat": now, "jti": f"{bound} {sent}"}
            token = make_token(claims, expires_at=now + 120, psk=AUTUMN)
            self.assertEqual(self.ask("POST", sent, body, b"Bearer " + token).code, code, (bound, sent))

    def test_a_body_has_the_limit_of_its_page(self) -> None:
        large = b"x" * 5000
        for path, status in (("/psk/autumn/ca/sign", 401), ("/psk/autumn/system/ping", 413), ("/psk/x/ca/sign", 413)):
            connection = self.door.connect()
            connection.send(request("POST", path, large))
            self.assertEqual(connection.statuses, [status], path)
            connection.leave()


class RoleTests(KeysCase):
    def refused(self, path: str, body: bytes, authorization: bytes, missing: str) -> None:
        answer = self.ask("POST", path, body, authorization)
        self.is_plain(answer, 403, f"Not allowed to perform this operation. Missing permission: {missing}".encode())

    def test_each_role_may_do_its_own(self) -> None:
        csr = csr_pem(common_name=None, dns=["a.web.example"])
        self.assertEqual(self.ask("POST", "/ca/sign", csr, proof(AUTUMN)).code, 200)
        self.refused("/cli/execute", b"ca show", proof(AUTUMN), "read")
        self.refused("/ca/sign", csr, proof(ENDING), "issue")
        self.assertEqual(self.ask("GET", "/cli/info", authorization=proof(ENDING)).code, 200)

    def test_users_miss_the_seeds_permission(self) -> None:
        self.refused("/ca/sign", csr_pem(), proof(PSK, email="a@b", roles="readonly"), "admin")
        self.refused("/ca/sign", csr_pem(), proof(ENDING, email="a@b", roles="admin"), "admin")

    def test_a_key_gets_only_the_names_of_its_policy(self) -> None:
        answer = self.ask("POST", "/ca/sign", csr_pem(common_name=None, dns=["b.example"]), proof(AUTUMN))
        self.is_plain(answer, 403, b"Error: not-allowed\nMessage: the policy does not allow the name 'b.example'")
        self.assertEqual(
            self.ask("POST", "/ca/sign", csr_pem(common_name=None, dns=["b.example"]), proof(PSK)).code, 200
        )

    def test_a_command_gets_only_the_names_of_the_callers_policy(self) -> None:
        limited = PreSharedKey("limited", "a pre-shared key with limits", Terms(policy=AUTUMN.terms.policy))
        self.use(Door(psks=(limited,)))
        for name, code in (("a.web.example", 200), ("b.example", 403)):
            command = f"certificate create --common-name {name} --key-type p256".encode()
            self.assertEqual(
                self.ask("POST", "/cli/execute", command, proof(limited), Content_Type=b"text/plain").code, code, name
            )
