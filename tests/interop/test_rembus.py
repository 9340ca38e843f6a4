"""Components of Rembus, with their own library (``rembus`` from PyPI), against the core's Rembus doors."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import cbor2

from pkid.broker.commands import Answer, Call, Expose, React, Subscribe
from pkid.broker.payload import Payload, PayloadKind
from pkid.ca.issuer import Issuer
from pkid.ca.names import Names, TrustDomain
from pkid.ca.pem import write_certificates, write_key
from pkid.ca.profile import Profile
from pkid.line.events import Delivered, Invoked, Succeeded
from tests.certificates import authority, private_key
from tests.daemon import Daemon, start_daemon
from tests.integration.lines import LinePeer
from tests.integration.test_broker import publish
from tests.integration.test_daemon import wait_for
from tests.interop.core import PSK, WITH_PSK, ask, bearer
from tests.interop.environments import REMBUS
from tests.support import Case

WS = ("--rembus-ws", "tcp:0:interface=127.0.0.1")
NOW = datetime.now(UTC).replace(microsecond=0)
VALID = (NOW - timedelta(days=1), NOW + timedelta(days=300))
PATIENCE = 30.0  # seconds


def decoded(payload: Payload) -> object:
    """Return what a payload says, in the encoding of whoever sent it."""
    said: object = cbor2.loads(payload.data) if payload.kind is PayloadKind.CBOR else json.loads(payload.data)
    return said


class RembusCase(Case):
    """A core, and programs of the original's library."""

    program = "rembus_client"

    def setUp(self) -> None:
        REMBUS.python()
        self.directory = Path(self.mktemp()).resolve()
        self.directory.mkdir(parents=True)

    def start(self, *options: str) -> Daemon:
        """Start a core."""
        self.daemon = start_daemon(self, *WITH_PSK, *WS, *options)
        return self.daemon

    def url(self, scheme: str = "ws") -> str:
        """Return a door's address."""
        host = "localhost" if scheme == "wss" else "127.0.0.1"
        return f"{scheme}://{host}:{self.daemon.address(f'rembus-{scheme}')[1]}"

    def run_client(self, what: str, *arguments: str, url: str = "", **environ: str) -> Any:
        """Have components do something; return what came of it."""
        done = REMBUS.run(self.program, what, url or self.url(), *arguments, directory=self.directory, **environ)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.strip().splitlines()[-1])

    def command(self, line: str) -> str:
        """Have the core run a command; return what it says."""
        headers = bearer(PSK) | {"Content-Type": "text/plain"}
        answer = ask(self.daemon, "POST", "/cli/execute", line.encode(), headers)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.body.decode()

    def pin(self, component: str) -> str:
        """Return a PIN by which a component may register its key."""
        pin: str = json.loads(self.command(f"broker register {component}"))[0]["pin"]
        return pin


class ComponentTests(RembusCase):
    """What components do with one another."""

    def test_every_quality_of_service_and_both_encodings(self) -> None:
        self.start()
        found = self.run_client("messages")
        values = ["QOS0", 1, 2.5, None, True, [1, 2], {"k": "v"}]
        expected = [values, ["QOS1"], ["QOS2"], ["slot"], ["slot2"], [], ["json", {"a": [1]}]]
        self.assertEqual(found["received"], expected)
        self.assertIn("login failed", found["again"])

    def test_calls(self) -> None:
        self.start()
        found = self.run_client("calls")
        for who in ("add", "nobody", "json"):
            self.assertEqual(found[who], 3, who)
        self.assertEqual((found["target"], found["together"]), (7, [2 * n for n in range(20)]))
        self.assertEqual(found["table"], {"a": [1, 2], "sum": [2, 3]})
        self.assertEqual(found["joined"], {"k": [1, 2], "a": ["x", None], "b": [1.5, 0.5]})
        self.assertTrue(found["same of the target"])
        for case, words in (
            ("boom", "METHOD_EXCEPTION:kaboom"), ("unknown", "METHOD_NOT_FOUND:nosuch"),
            ("ghost", "TARGET_NOT_FOUND:ghost"), ("loopback", "METHOD_LOOPBACK:add"),
            ("unexposed", "METHOD_NOT_FOUND:boom"),
        ):  # fmt: skip
            self.assertEqual(found[case], f"RembusError: {words}")
        self.assertTrue(found["version"].startswith("pkid ") and found["uptime"].startswith("up for "), found)

    def test_who_of_several_answers_is_the_operators_choice(self) -> None:
        everybody = ["one", "two", "three"]
        for choice, turns, together in (
            ("first-up", ["one"] * 6, ["one"] * 3), ("round-robin", everybody * 2, everybody),
            ("less-busy", ["one"] * 6, everybody),
        ):  # fmt: skip
            self.start("--exposer", choice)
            self.assertEqual(self.run_client("choices"), {"turns": turns, "together": together}, choice)

    def test_what_was_before_and_topic_spaces(self) -> None:
        self.start("--retain", "hist/**")
        found = self.run_client("history")
        self.assertEqual(found["history"], [[1]])
        self.assertEqual(found["spaces"], [["a/b/temperature", 21], ["a/c/temperature", 21]])

    def test_who_was_away_gets_what_it_missed_and_others_what_they_ask_for(self) -> None:
        self.start("--retain", "hist/**")
        self.assertEqual(self.run_client("away"), {"keeper": [1, 2, 3, 4], "recent": [1, 2, 3, 4], "now": [4]})

    def test_tables_of_some_megabytes_if_the_operator_allows_them(self) -> None:
        self.start("--message-size", "8m", "--backlog", "64m")
        self.assertEqual(self.run_client("tables", "800000"), {"same": [True] * 4})

    def test_all_of_it_over_tls_by_the_cores_own_authority(self) -> None:
        self.start()
        bundle = {"HTTP_CA_BUNDLE": str(self.daemon.state / "ca.crt")}
        self.assertEqual(len(self.run_client("messages", url=self.url("wss"), **bundle)["received"]), 7)

    def test_who_does_not_know_the_authority_does_not_connect(self) -> None:
        self.start()
        other = {"HTTP_CA_BUNDLE": str(start_daemon(self).state / "ca.crt")}
        done = REMBUS.run("rembus_client", "messages", self.url("wss"), directory=self.directory, **other)
        self.assertIn("CERTIFICATE_VERIFY_FAILED", done.stderr)

    def test_a_keystore_of_rembus_has_the_certificate_that_its_doors_show(self) -> None:
        keystore, roots = (
            self.directory / "keystore",
            [authority(f"CN={name}", valid=VALID) for name in ("one", "other")],
        )
        keystore.mkdir()
        self.put_pair(keystore, roots[0])
        self.daemon = start_daemon(self, *WITH_PSK, environment={"REMBUS_KEYSTORE": str(keystore)})
        bundles = [self.directory / f"{number}.crt" for number in range(2)]
        for root, bundle in zip(roots, bundles, strict=True):
            bundle.write_bytes(write_certificates([root.certificate]))
        self.assertTrue(self.trusts(bundles[0]))
        self.assertFalse(self.trusts(self.daemon.state / "ca.crt"))
        self.put_pair(keystore, roots[1])
        os.kill(self.daemon.pid, signal.SIGHUP)
        wait_for(lambda: "the certificate in REMBUS_KEYSTORE was replaced" in self.daemon.output)
        self.assertTrue(self.trusts(bundles[1]))
        self.command("system info")  # over the core's own certificate

    def put_pair(self, keystore: Path, issuer: Issuer) -> None:
        """Have the Rembus doors show a certificate for this host, of an issuer."""
        key = private_key(owner="keystore")
        rules = Profile(TrustDomain("example.org"), timedelta(days=90), issuer.key.public_key())
        leaf = issuer.sign(rules.approve_core(key.public_key(), Names(dns=("localhost",))), datetime.now(UTC), 1 << 130)
        for name, content in (("rembus.crt", write_certificates([leaf])), ("rembus.key", write_key(key))):
            new = keystore / "new"
            new.touch(0o600)
            new.write_bytes(content)
            new.replace(keystore / name)

    def trusts(self, bundle: Path) -> bool:
        """Tell whether a component that trusts these authorities alone connects."""
        environ = {"HTTP_CA_BUNDLE": str(bundle)}
        done = REMBUS.run("rembus_client", "greet", self.url("wss"), directory=self.directory, **environ)
        self.assertEqual(done.returncode != 0, "CERTIFICATE_VERIFY_FAILED" in done.stderr, done.stderr)
        return done.returncode == 0

    def test_clients_of_all_encodings_and_of_another_door_talk_with_one_another(self) -> None:
        self.start()
        line = LinePeer.of(self, self.daemon)
        for command in (Expose("1", "line-service"), Subscribe("2", "to-line"), React("3", True)):
            self.assertIsInstance(line.ask(command), Succeeded)
        with ThreadPoolExecutor(1) as pool:
            talking = pool.submit(self.run_client, "doors")
            for name in ("cbor", "json"):
                self.assertEqual(self.wait_for_answer(line, f"{name}-service", b'["from line"]'), [name, "from line"])
                line.send(publish("shared", "hello"))
                asked = line.next(Invoked)
                self.assertEqual((decoded(asked.payload), asked.caller), ([name], f"{name}-side"))
                line.send(Answer(None, asked.number, Payload(PayloadKind.JSON, b'"answer"'), 8))
                self.assertEqual(decoded(line.next(Delivered).payload), [name])
            found = talking.result()
        self.assertEqual((found["cbor calls"], found["json calls"]), ("answer", "answer"))
        self.assertEqual(found["cbor"][0], ["hello"])

    def wait_for_answer(self, line: LinePeer, topic: str, arguments: bytes) -> object:
        """Call until somebody is there who answers; return the answer."""
        end = monotonic() + PATIENCE
        while True:
            said = line.ask(Call("1", topic, Payload(PayloadKind.JSON, arguments), len(arguments)))
            if isinstance(said, Succeeded):
                assert said.payload is not None
                return decoded(said.payload)
            self.assertLess(monotonic(), end, said)

    def test_a_component_that_is_cut_off_comes_again_with_all_it_had(self) -> None:
        self.start()
        with ThreadPoolExecutor(1) as pool:
            staying = pool.submit(self.run_client, "stay")
            self.wait_for_exposer()
            self.command("broker kick recon")
            self.wait_for_exposer()
            LinePeer.of(self, self.daemon).send(publish("rt", "done"))
            self.assertEqual(staying.result(), {"received": ["done"]})

    def test_a_component_finds_a_core_again_that_was_cut_off_itself(self) -> None:
        former = self.start()
        door = f"tcp:{former.address('rembus-ws')[1]}:interface=127.0.0.1"
        with ThreadPoolExecutor(1) as pool:
            staying = pool.submit(self.run_client, "stay")
            self.wait_for_exposer()
            former.kill()
            self.daemon = Daemon(former.state, *WITH_PSK, "--rembus-ws", door)
            self.daemon.start()
            self.addCleanup(self.daemon.stop)
            self.wait_for_exposer()
            LinePeer.of(self, self.daemon).send(publish("rt", "done"))
            self.assertEqual(staying.result(), {"received": ["done"]})

    def wait_for_exposer(self) -> None:
        """Wait until the component is there with its topics."""
        peer = LinePeer.of(self, self.daemon)
        end = monotonic() + PATIENCE
        while not isinstance(peer.ask(Call("1", "rsvc", Payload(PayloadKind.TEXT, b""), 0)), Succeeded):
            self.assertLess(monotonic(), end, "the component did not come")


class NameTests(RembusCase):
    """Keys, and what they open."""

    def test_keys_of_both_kinds(self) -> None:
        self.start()
        found = self.run_client("keys", self.pin("rsa"), self.pin("ecdsa"))
        for case in ("rsa", "ecdsa", "unregister"):
            self.assertEqual(found[case], "done", found)
        self.assertEqual(found["rsa proven"], found["ecdsa proven"])
        self.assertIn("wrong tenant/pin", found["wrong pin"])
        for case in ("no key", "wrong key"):
            self.assertIn("login failed", found[case])
        self.assertEqual(found["free again"], "ecdsa")

    def test_a_proven_name_moves_to_its_newest_connection(self) -> None:
        self.start()
        found = self.run_client("twice", self.pin("twin"))
        self.assertEqual((found["first"], found["second"]), ([], [["for one"]]))

    def test_private_topics(self) -> None:
        self.start()
        self.command("broker role assign root admin")
        found = self.run_client("rights", *map(self.pin, ("root", "good", "bad")))
        self.assertEqual(found["received"], [["allowed"], ["open to all"]])
        for case in ("private", "authorize", "public"):
            self.assertEqual(found[case], "done", found)
        for case in ("bad makes private", "bad subscribes"):
            self.assertIn("unauthorized", found[case])

    def test_where_only_proven_names_are_served_clients_of_both_modes_log_in(self) -> None:
        self.start("--authenticated")
        found = self.run_client("modes", self.pin("am"))
        self.assertEqual(found["register"], "done", found)
        self.assertEqual(found["authenticated=True"], found["authenticated=False"])
        self.assertIn("login failed", found["stranger"])
