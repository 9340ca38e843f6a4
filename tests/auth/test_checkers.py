"""The bearer token checker: who comes in, by which key, and at what cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail
from zope.interface.verify import verifyObject

from pkid.auth.checkers import BearerTokenChecker
from pkid.auth.credentials import BearerToken, IBearerToken, IMember, Right
from pkid.auth.derivation import KeyDerivation
from pkid.auth.keyring import Keyring
from pkid.auth.psk import PreSharedKey, Terms
from pkid.auth.realm import Realm
from pkid.auth.roles import Role
from pkid.ca.policy import Policy, Rules
from pkid.errors import Unavailable
from tests.auth.case import BINDING, OLDER, STRANGER, CheckerCase
from tests.certificates import NOON, PSK, signing_key

ALL = frozenset({Right.READ, Right.WRITE, Right.ADMIN, Right.ISSUE})


class AdmissionTests(CheckerCase):
    def test_provides_its_interface(self) -> None:
        verifyObject(ICredentialsChecker, self.checker)
        self.assertEqual(self.checker.credentialInterfaces, (IBearerToken,))

    def test_a_component_has_all_rights_and_the_keys_name(self) -> None:
        member = self.admitted(self.token())
        self.assertEqual((member.credential, member.rights), ("psk:default", ALL))

    def test_a_token_that_is_not_bound_may_be_used_again(self) -> None:
        token = self.token()
        self.assertEqual(self.admitted(token), self.admitted(token))

    def test_works_in_a_portal(self) -> None:
        portal = Portal(Realm(), [self.checker])
        login = portal.login(BearerToken(self.token(), BINDING, "192.0.2.1"), None, IMember)
        avatar: Any = self.successResultOf(login)
        self.assertIs(avatar[0], IMember)
        self.assertEqual(avatar[1].credential, "psk:default")
        avatar[2]()
        refused = portal.login(BearerToken(b"junk", BINDING, "192.0.2.1"), None, IMember)
        self.failureResultOf(refused, UnauthorizedLogin)

    def test_the_rights_of_users_come_from_their_roles(self) -> None:
        reads, writes = {Right.READ}, {Right.READ, Right.WRITE}
        for roles, rights in (
            ("admin", ALL), ("service", ALL), ("readwrite", writes), ("readonly", reads),
            ("readonly, readwrite", writes),
            ("", set()), ("unknown", set()), ("unknown,readonly", reads), ("ADMIN", set()),
        ):  # fmt: skip
            member = self.admitted(self.token(claims={"email": "a@b.c", "roles": roles}))
            self.assertEqual(member.rights, rights, roles)

    def test_roles_without_a_user_take_no_rights_away(self) -> None:
        self.assertEqual(self.admitted(self.token(claims={"roles": "readonly"})).rights, ALL)


class TimeTests(CheckerCase):
    def test_expiry_is_required_and_at_most_an_hour_and_a_minute_ahead(self) -> None:
        for seconds in (1, 300, 3600, 3660):
            self.admitted(self.token(seconds))
        too_far: list[float | None] = [None, 3661, 30 * 365 * 86400, 0, -1, -3600]
        for wrong in too_far:
            self.refused(self.token(wrong))

    def test_starts_may_be_a_minute_ahead(self) -> None:
        for claim in ("nbf", "iat"):
            for seconds in (-86400, 0, 60):
                self.admitted(self.token(claims={claim: self.now + seconds}))
            for seconds in (61, 3600):
                self.refused(self.token(claims={claim: self.now + seconds}))

    def test_a_key_that_proved_right_does_not_make_an_expired_token_good(self) -> None:
        token = self.token(300)
        self.admitted(token)
        self.now += 300
        self.refused(token)


class KeyChoiceTests(CheckerCase):
    others = tuple(PreSharedKey(f"other{number}", f"another pre-shared key {number}") for number in range(5))

    def test_without_a_name_the_first_three_are_tried(self) -> None:
        self.use(*self.others[:2], OLDER, self.others[2])
        self.assertEqual(self.admitted(self.token(psk=OLDER)).credential, "psk:older")
        self.assertEqual(self.derived, 3)
        self.refused(self.token(psk=self.others[2]))
        self.assertEqual(self.derived, 3 + 2)  # the proven one is known by now

    def test_a_name_picks_the_key_wherever_it_stands(self) -> None:
        self.use(*self.others, PSK)
        self.assertEqual(self.admitted(self.token(header={"kid": "default"})).credential, "psk:default")
        self.assertEqual(self.derived, 1)

    def test_a_name_picks_no_other_key(self) -> None:
        self.use(PSK, OLDER)
        self.refused(self.token(header={"kid": "older"}))
        self.refused(self.token(header={"kid": "nobody"}))
        self.assertEqual(self.derived, 1)

    def test_the_path_picks_a_key_and_agrees_with_the_name(self) -> None:
        self.use(PSK, OLDER)
        older = self.token(psk=OLDER)
        self.assertEqual(self.admitted(older, psk="older").credential, "psk:older")
        self.assertEqual(self.derived, 1)
        self.refused(older, psk="default")
        self.refused(self.token(), psk="older")
        self.refused(self.token(psk=OLDER, header={"kid": "default"}), psk="older")
        self.admitted(self.token(psk=OLDER, header={"kid": "older"}), psk="older")

    def test_a_proven_key_is_tried_before_others(self) -> None:
        self.use(PSK, OLDER)
        self.admitted(self.token(psk=OLDER))
        self.assertEqual(self.derived, 2)
        self.admitted(self.token(psk=OLDER))
        self.assertEqual(self.derived, 2)

    def test_no_keys_admit_nobody(self) -> None:
        self.checker = BearerTokenChecker(
            Keyring([], lambda: self.now), KeyDerivation(self.offload, 1), lambda: self.now
        )
        self.refused(self.token())


class EndTests(CheckerCase):
    """A key that has ended, or was taken out of service, proves nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.ending = PreSharedKey("ending", "a pre-shared key that ends", Terms(expires=NOON + timedelta(seconds=10)))
        self.use(self.ending, PSK)

    def test_it_ends_at_its_instant_although_it_proved_right_before(self) -> None:
        token = self.token(psk=self.ending)
        self.now = NOON.timestamp() + 9.999
        self.assertEqual(self.admitted(token).credential, "psk:ending")
        self.now = NOON.timestamp() + 10
        self.refused(token)
        self.refused(token, psk="ending")
        self.refused(self.token(psk=self.ending, header={"kid": "ending"}))
        self.admitted(self.token())

    def test_it_ends_while_it_is_derived(self) -> None:
        started: list[Deferred[bytes]] = []

        def offload(work: object) -> Deferred[Any]:
            started.append(Deferred())
            return started[-1]

        for end in (lambda: setattr(self, "now", NOON.timestamp() + 10), lambda: self.keyring.exchange([PSK])):
            self.now = NOON.timestamp()
            self.keyring.exchange([self.ending, PSK])
            self.checker = BearerTokenChecker(self.keyring, KeyDerivation(offload, 1), lambda: self.now)
            asked = self.ask(self.token(psk=self.ending))
            end()
            started[-1].callback(signing_key(self.ending.secret))
            self.failureResultOf(asked, UnauthorizedLogin)

    def test_an_exchange_counts_from_the_next_request_on(self) -> None:
        self.refused(self.token(psk=OLDER))
        self.keyring.exchange([OLDER])
        self.admitted(self.token(psk=OLDER))
        self.refused(self.token())


class RoleTests(CheckerCase):
    def of_role(self, role: Role, **claims: object) -> frozenset[Right]:
        self.use(PreSharedKey(PSK.name, PSK.secret, Terms(role)))
        return self.admitted(self.token(claims=claims)).rights

    def test_a_key_gives_the_rights_of_its_role(self) -> None:
        self.assertEqual(self.of_role(Role.ADMIN), ALL)
        self.assertEqual(self.of_role(Role.ISSUE), {Right.ISSUE})
        self.assertEqual(self.of_role(Role.READ), {Right.READ})
        self.assertEqual(self.of_role(Role.OBSERVE), {Right.READ, Right.ISSUE})

    def test_a_users_roles_only_take_rights_away(self) -> None:
        for role, roles, rights in (
            (Role.ISSUE, "admin", {Right.ISSUE}), (Role.ISSUE, "readonly", set()),
            (Role.READ, "service", {Right.READ}), (Role.READ, "readwrite", {Right.READ}),
        ):  # fmt: skip
            self.assertEqual(self.of_role(role, email="a@b.c", roles=roles), rights, (role, roles))

    def test_a_member_has_its_keys_policy(self) -> None:
        policy = Policy(dns=Rules(()))
        self.use(PreSharedKey(PSK.name, PSK.secret, Terms(policy=policy)))
        self.assertEqual(self.admitted(self.token()).policy, policy)


class CacheTests(CheckerCase):
    def test_a_key_is_derived_once_after_it_proved_right(self) -> None:
        for _ in range(3):
            self.admitted(self.token())
        self.assertEqual(self.derived, 1)
        self.admitted(self.token(salt=bytes(16)))
        self.assertEqual(self.derived, 2)

    def test_a_key_that_proved_nothing_is_derived_again(self) -> None:
        for number in (1, 2, 3):
            self.refused(self.token(psk=STRANGER))
            self.assertEqual(self.derived, number)

    def test_a_known_key_does_not_admit_a_wrong_signature(self) -> None:
        self.admitted(self.token())
        self.refused(self.token(psk=STRANGER))
        self.assertEqual(self.derived, 1)

    def test_what_cannot_be_read_costs_nothing(self) -> None:
        for token in (b"", b"a.b.c", self.token(header={"alg": "HS512"}), self.token(header={"salt": "AA=="})):
            self.refused(token)
        self.assertEqual(self.derived, 0)


class BusyTests(CheckerCase):
    def test_a_full_queue_is_no_refusal(self) -> None:
        started: list[Deferred[Any]] = []

        def offload(work: object) -> Deferred[Any]:
            started.append(Deferred())
            return started[-1]

        keys = KeyDerivation(offload, workers=1, waiting=1)
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now)
        asked = [self.ask(self.token(salt=bytes([number]) * 16)) for number in range(3)]
        self.failureResultOf(asked[2], Unavailable)
        self.assertNoResult(asked[0])
        started[0].callback(bytes(32))
        self.failureResultOf(asked[0], UnauthorizedLogin)
        started[1].callback(signing_key(PSK.secret, b"\x01" * 16))
        self.successResultOf(asked[1])

    def test_whose_token_was_accepted_waits_apart_from_strangers(self) -> None:
        started: list[Deferred[Any]] = []

        def offload(work: object) -> Deferred[Any]:
            started.append(Deferred())
            return started[-1]

        keys = KeyDerivation(offload, workers=1, waiting=1)
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now)

        def ask(peer: str, salt: int, seconds: int = 300) -> Deferred[Any]:
            token = self.token(seconds, salt=bytes([salt]) * 16)
            return self.checker.requestAvatarId(BearerToken(token, BINDING, peer))

        for peer, seconds in (("192.0.2.1", 300), ("192.0.2.2", -1)):  # one is accepted, one has expired
            ask(peer, 1, seconds).addErrback(lambda _: None)
            if not started[0].called:
                started[0].callback(signing_key(PSK.secret, b"\x01" * 16))
        waiting = [ask("198.51.100.1", 2), ask("198.51.100.2", 3)]
        self.failureResultOf(ask("192.0.2.2", 4), Unavailable)
        waiting.append(ask("192.0.2.1", 5))
        for each in waiting:
            self.assertNoResult(each)

    def test_a_suspect_token_waits_with_strangers(self) -> None:
        started: list[Deferred[Any]] = []

        def offload(work: object) -> Deferred[Any]:
            started.append(Deferred())
            return started[-1]

        keys = KeyDerivation(offload, workers=1, waiting=1)
        keys.welcome("192.0.2.1")
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now)

        def ask(salt: int, suspect: bool) -> Deferred[Any]:
            credentials = BearerToken(self.token(salt=bytes([salt]) * 16), BINDING, "192.0.2.1", suspect=suspect)
            return self.checker.requestAvatarId(credentials)

        waiting = [ask(1, True), ask(2, True), ask(3, False)]
        self.failureResultOf(ask(4, True), Unavailable)
        for each in waiting:
            self.assertNoResult(each)

    def test_a_derivation_that_fails_is_not_hidden(self) -> None:
        keys = KeyDerivation(lambda work: fail(ZeroDivisionError()), workers=1)
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now)
        self.failureResultOf(self.ask(self.token()), ZeroDivisionError)

    def test_who_leaves_is_told_so_and_nobody_else(self) -> None:
        keys = KeyDerivation(lambda work: Deferred(), workers=1)
        self.checker = BearerTokenChecker(self.keyring, keys, lambda: self.now)
        leaving, staying = self.ask(self.token()), self.ask(self.token())
        leaving.cancel()
        self.failureResultOf(leaving)
        self.assertNoResult(staying)
