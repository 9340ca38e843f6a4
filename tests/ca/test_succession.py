"""What a certificate may be renewed to."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkid.ca.authority import Authority, Order
from pkid.ca.ledger import Entry
from pkid.ca.policy import ANY_NAME
from pkid.ca.request import read_request
from pkid.ca.succession import check_succession
from pkid.errors import PkidError, Reason, Refused
from pkid.store.memory import MemoryStore
from tests.certificates import NOON, SERIAL, csr_pem, profile, root
from tests.support import Case

HELD: dict[str, Any] = {
    "common_name": "worker",
    "dns": ["a.example", "*.b.example"],
    "ip": ["192.0.2.1", "2001:db8::1"],
    "uri": ["spiffe://pkid.internal/worker"],
}


class SuccessionTests(Case):
    def setUp(self) -> None:
        serials = iter(range(SERIAL, SERIAL - 100, -1))
        self.authority = Authority(root(), profile(), lambda: NOON, lambda: next(serials))
        self.store = MemoryStore()

    def sign(self, renews: Entry | None = None, **names: Any) -> Entry | PkidError:
        order = Order(csr_pem(**names), "certificate:1" if renews else "psk:default", ANY_NAME, renews=renews)
        return self.store.transact_now(lambda ledger: self.authority.fulfil([order], ledger))[0]

    def held(self, **names: Any) -> Entry:
        entry = self.sign(**(names or HELD))
        assert isinstance(entry, Entry)
        return entry

    def refused(self, excess: str, held: Entry, **names: Any) -> None:
        answer = self.sign(held, **names)
        assert isinstance(answer, Refused), answer
        self.assertEqual((answer.reason, answer.subject), (Reason.MORE_THAN_RENEWED, repr(excess)))

    def test_the_same_names(self) -> None:
        held = self.held()
        renewed = self.sign(held, **HELD)
        assert isinstance(renewed, Entry)
        self.assertEqual((renewed.renews, held.renews), (held.serial, None))
        self.assertEqual((renewed.name, renewed.proven), ("worker", True))
        self.assertNotEqual(renewed.serial, held.serial)

    def test_fewer_names(self) -> None:
        held = self.held()
        for fewer in ({"dns": ["A.example"]}, {"ip": ["192.0.2.1"]}, {"dns": ["*.b.example"]}):
            self.assertIsInstance(self.sign(held, **{"common_name": None, **fewer}), Entry)

    def test_no_others(self) -> None:
        held = self.held()
        for excess, others in {
            "c.example": {"dns": ["a.example", "c.example"]},
            "x.b.example": {"dns": ["x.b.example"]},
            "192.0.2.2": {"ip": ["192.0.2.2"]},
            "spiffe://pkid.internal/other": {**HELD, "uri": ["spiffe://pkid.internal/other"]},
        }.items():
            self.refused(excess, held, **{"common_name": None, **others})

    def test_no_identity_where_there_was_none(self) -> None:
        held = self.held(common_name="worker", dns=["a.example"])
        self.refused("spiffe://pkid.internal/worker", held, dns=["a.example"], uri=["spiffe://pkid.internal/worker"])

    def test_the_common_name_is_a_name_too(self) -> None:
        held = self.held()
        self.assertIsInstance(self.sign(held, common_name="a.example", dns=["a.example"]), Entry)
        self.refused("c.example", held, common_name="c.example", dns=["a.example"])
        self.refused("192.0.2.1", held, common_name="192.0.2.1", dns=["a.example"])
        self.refused("c.example", held, common_name="c.example")

    def test_the_policy_of_today_applies_to_what_was_allowed_once(self) -> None:
        held = self.held()
        rules = profile(forbidden=profile().check(read_request(csr_pem(dns=["a.example"]))).names)
        self.authority.profile = rules
        answer = self.sign(held, **HELD)
        assert isinstance(answer, Refused)
        self.assertIs(answer.reason, Reason.NOT_ALLOWED)

    def test_a_certificate_that_has_only_addresses(self) -> None:
        held = self.held(common_name=None, ip=["192.0.2.1"])
        approved = profile().check(read_request(csr_pem(common_name=None, ip=["192.0.2.1"])))
        check_succession(approved, held)
        self.assertEqual(x509.load_der_x509_certificate(held.certificate).subject.public_bytes(Encoding.DER), b"0\0")
