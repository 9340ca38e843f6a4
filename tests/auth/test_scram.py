"""SCRAM: the exchange of RFC 7677, both sides, and everything that must end it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from pkid.auth.schemes import Scheme
from pkid.auth.scram import ScramServer, ScramVerifier, auth_message
from pkid.auth.scram_client import ScramClient
from pkid.auth.scram_messages import ServerFirst
from pkid.auth.transcript import Transcript
from pkid.errors import Malformed, Refused, Unusable
from tests.auth.logins import differing, transcript
from tests.support import Case

PASSWORD = "correct horse"
VERIFIER = ScramVerifier.make(PASSWORD, b"saltsalt", 4096)
BOUND = transcript(Scheme.SCRAM_PLUS)
UNBOUND = transcript(Scheme.SCRAM, bound=False)


def server(login: Transcript = BOUND, verifier: ScramVerifier = VERIFIER, offers_binding: bool = False) -> ScramServer:
    return ScramServer(verifier, login, offers_binding=offers_binding)


class ExampleTests(Case):
    """The exchange of RFC 7677, section 3."""

    FIRST = b"n=user,r=rOprNGfwEbeRWgbNEkqO"
    ANSWER = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    UNPROVEN = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

    def setUp(self) -> None:
        answer = ServerFirst.read(self.ANSWER)
        self.verifier = ScramVerifier.make("pencil", answer.salt, answer.iterations)
        self.covered = auth_message(self.FIRST, self.ANSWER, self.UNPROVEN)

    def test_its_proof_is_accepted(self) -> None:
        self.assertTrue(self.verifier.accepts(self.covered, self.PROOF))

    def test_its_core_proves_itself_so(self) -> None:
        self.assertEqual(self.verifier.sign(self.covered), self.SIGNATURE)

    def test_another_proof_is_not_accepted(self) -> None:
        for wrong in (b"", self.PROOF[:-1], self.PROOF + b"\0", self.SIGNATURE, bytes(32)):
            self.assertFalse(self.verifier.accepts(self.covered, wrong))
        self.assertFalse(self.verifier.accepts(self.covered + b" ", self.PROOF))

    def test_its_answer_is_written_as_it_was_read(self) -> None:
        self.assertEqual(ServerFirst.read(self.ANSWER).encode(), self.ANSWER)


class VerifierTests(Case):
    """What is stored."""

    def test_it_shows_nothing_secret(self) -> None:
        self.assertEqual(repr(VERIFIER), "ScramVerifier(salt=b'saltsalt', iterations=4096)")

    def test_few_iterations_and_short_salts_are_mistakes(self) -> None:
        ScramVerifier.make(PASSWORD, bytes(8), 4096)
        for salt, iterations in ((bytes(8), 4095), (bytes(7), 4096), (bytes(8), 10**9)):
            self.assertRaises(ValueError, ScramVerifier.make, PASSWORD, salt, iterations)

    def test_passwords_are_printable_ascii(self) -> None:
        ScramVerifier.make(" ~", bytes(8), 4096)
        for password in ("", "pass\tword", "pass\x7f", "pässword", "pass\xadword"):
            self.assertRaises(Unusable, ScramVerifier.make, password, bytes(8), 4096)


class ExchangeTests(Case):
    """Both sides, with each other."""

    def exchange(self, mine: Transcript, theirs: Transcript, password: str = PASSWORD) -> None:
        """Let a client log in; raise what either side raises."""
        core, client = server(theirs), ScramClient(password, mine)
        client.check(core.finish(client.prove(core.answer(client.start()))))

    def test_both_are_satisfied(self) -> None:
        self.exchange(BOUND, BOUND)
        self.exchange(UNBOUND, UNBOUND)

    def test_a_wrong_password_is_refused(self) -> None:
        self.assertRaises(Refused, self.exchange, BOUND, BOUND, "correct horsf")

    def test_two_sides_that_saw_different_logins_do_not_agree(self) -> None:
        for what, other in differing(BOUND):
            with self.assertRaises(Refused, msg=what):
                self.exchange(BOUND, other)
            with self.assertRaises(Refused, msg=what):
                self.exchange(other, BOUND)

    def test_a_relay_that_changes_what_it_can_does_not_get_in(self) -> None:
        """It leaves the proof alone, and makes everything else fit the other connection."""
        for what, other in differing(BOUND):
            client, far, near = ScramClient(PASSWORD, BOUND), server(other), server(BOUND)
            near.answer(client.start())
            final = client.prove(server(BOUND).answer(client.start()))
            attacker = ScramClient("x", other)
            forged = attacker.prove(far.answer(attacker.start()))
            proof = re.sub(rb"p=.*", b"p=" + final.rpartition(b"p=")[2], forged)
            with self.assertRaises(Refused, msg=what):
                far.finish(proof)


class ServerTests(Case):
    """The core's side, with a client that is up to something."""

    def setUp(self) -> None:
        self.core = server()
        self.client = ScramClient(PASSWORD, BOUND)

    def test_one_attempt_for_an_exchange(self) -> None:
        final = self.client.prove(self.core.answer(self.client.start()))
        wrong = ScramClient("wrong", BOUND)
        self.assertRaises(Refused, self.core.finish, wrong.prove(server().answer(wrong.start())))
        self.assertRaises(Refused, self.core.finish, final)

    def test_a_message_that_cannot_be_read_is_an_attempt_too(self) -> None:
        final = self.client.prove(self.core.answer(self.client.start()))
        self.assertRaises(Malformed, self.core.finish, b"")
        self.assertRaises(Refused, self.core.finish, final)

    def test_a_proof_is_good_once(self) -> None:
        final = self.client.prove(self.core.answer(self.client.start()))
        self.core.finish(final)
        self.assertRaises(Refused, self.core.finish, final)

    def test_no_proof_before_the_first_message(self) -> None:
        self.assertRaises(Refused, self.core.finish, self.client.prove(server().answer(self.client.start())))

    def test_the_first_message_comes_once(self) -> None:
        self.core.answer(self.client.start())
        self.assertRaises(Refused, self.core.answer, self.client.start())

    def test_the_first_message_is_of_this_login(self) -> None:
        for what, other in (
            ("name", replace(BOUND, component="bob")),
            ("nonce", replace(BOUND, client_nonce=bytes(32))),
        ):
            with self.assertRaises(Refused, msg=what):
                self.core.answer(ScramClient(PASSWORD, other).start())

    def test_binding_is_what_the_login_says(self) -> None:
        unbound = ScramClient(PASSWORD, UNBOUND).start()
        self.assertRaises(Refused, self.core.answer, unbound)
        self.assertRaises(Refused, self.core.answer, unbound.replace(b"n,,", b"y,,"))
        self.assertRaises(Refused, server(UNBOUND).answer, self.client.start())

    def test_a_client_that_was_told_of_no_binding_notices_that_there_is_one(self) -> None:
        told_nothing = ScramClient(PASSWORD, UNBOUND).start().replace(b"n,,", b"y,,")
        server(UNBOUND).answer(told_nothing)
        self.assertRaises(Refused, server(UNBOUND, offers_binding=True).answer, told_nothing)

    def test_every_part_of_the_final_message_counts(self) -> None:
        for part in (b"c", b"r", b"t", b"p"):
            core = server()
            final = self.client.prove(core.answer(self.client.start()))
            place = final.index(part + b"=") + 5
            changed = final[:place] + (b"A" if final[place : place + 1] != b"A" else b"B") + final[place + 1 :]
            self.assertRaises(Refused, core.finish, changed)

    def test_what_the_password_signs_without_transcript_is_not_enough(self) -> None:
        """A client of the plain RFC leaves ``t`` out; its proof would not tell stripped offers."""
        final = self.client.prove(self.core.answer(self.client.start()))
        self.assertRaises(Malformed, self.core.finish, re.sub(rb",t=[^,]*", b"", final))


class ClientTests(Case):
    """The component's side, with a core that is up to something."""

    def setUp(self) -> None:
        self.client = ScramClient(PASSWORD, BOUND)
        self.answer = ServerFirst.read(server().answer(self.client.start()))

    def test_a_core_that_does_not_know_the_password_is_refused(self) -> None:
        self.client.prove(self.answer.encode())
        self.assertRaises(Refused, self.client.check, b"v=" + base64.b64encode(bytes(32)))

    def test_nothing_is_a_proof_before_the_clients(self) -> None:
        self.assertRaises(Refused, self.client.check, b"v=" + base64.b64encode(bytes(32)))

    def test_a_foreign_nonce_is_refused(self) -> None:
        for nonce in (self.answer.nonce + "x", self.answer.nonce[:-1], "x" + self.answer.nonce):
            self.assertRaises(Refused, self.client.prove, replace(self.answer, nonce=nonce).encode())

    def test_iterations_are_neither_few_nor_endless(self) -> None:
        for iterations in (1, 4095, 1_000_001):
            self.assertRaises(Refused, self.client.prove, replace(self.answer, iterations=iterations).encode())
        self.client.prove(replace(self.answer, iterations=4096).encode())
