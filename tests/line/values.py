"""Strategies for what travels by the line protocol."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from pkid.auth.proofs import (
    CertificateProof,
    PasswordProof,
    PlainProof,
    Registration,
    ScramFinish,
    ScramStart,
    SignedProof,
)
from pkid.auth.psk_proof import PskProof
from pkid.auth.schemes import SCRAM, SIGNATURES, Scheme
from pkid.auth.transcript import BindingType
from pkid.broker.changes import (
    AddRule,
    AssignRole,
    Authorize,
    PrivateTopic,
    PublicTopic,
    RemoveRule,
    Unauthorize,
    WithdrawRole,
)
from pkid.broker.commands import (
    LAST_RECEIVED,
    Acknowledge,
    Administer,
    Answer,
    Call,
    Cancel,
    Complete,
    Explain,
    Expose,
    Identify,
    Inspect,
    Prove,
    Publish,
    React,
    Register,
    Setup,
    Subscribe,
    Unexpose,
    Unregister,
    Unsubscribe,
    View,
)
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.rules import Access, Rule, Subject, Verb
from pkid.broker.topic import Pattern
from pkid.line.codec import Bye, Help, Ping, Pong

words = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and " " not in text)
requests = st.just("") | words
ids = words
topics = st.lists(st.sampled_from(["a", "b", "sensors", "+1", "#2", "@x", "é"]), min_size=1, max_size=3).map("/".join)
patterns = st.sampled_from(["a", "a/*", "**", "a/**/b"]).map(Pattern)
components = st.sampled_from(["alice", "web-1", "x.y", "-"])
numbers = st.integers(0, 10**15)
sinces = st.none() | st.just(LAST_RECEIVED) | st.integers(0, 10**6).map(float)
nonces = st.binary(min_size=32, max_size=32)
bindings = st.sampled_from(BindingType)
texts = st.text(max_size=40).map(lambda text: Payload(PayloadKind.TEXT, text.encode()))
payloads = texts | st.one_of(
    st.binary(max_size=60).map(lambda data: Payload(PayloadKind.BYTES, data)),
    st.binary(max_size=60).map(lambda data: Payload(PayloadKind.CBOR, data)),
    st.sampled_from(['{"a": 1}', "[\n1]", '"+5"']).map(lambda text: Payload(PayloadKind.JSON, text.encode())),
)
scram_messages = st.sampled_from([b"n,,n=alice,r=abc+/=", b"c=biws,r=abc,t=x,p=y"])
rules = st.builds(
    Rule, st.sampled_from(Access), st.frozensets(st.sampled_from(Verb), min_size=1), patterns,
    st.sampled_from(["alice", "web-*", "role:ops", "*"]).map(Subject),
)  # fmt: skip
changes = st.one_of(
    st.builds(PrivateTopic, patterns),
    st.builds(PublicTopic, patterns),
    st.builds(Authorize, patterns, components),
    st.builds(Unauthorize, patterns, components),
    st.builds(AddRule, rules),
    st.builds(RemoveRule, rules),
    st.builds(AssignRole, components, components),
    st.builds(WithdrawRole, components, components),
)
proofs = st.one_of(
    st.builds(
        SignedProof, st.sampled_from(sorted(SIGNATURES, key=str)), nonces, bindings, st.binary(min_size=1, max_size=64)
    ),
    st.builds(ScramStart, st.sampled_from(sorted(SCRAM, key=str)), nonces, scram_messages),
    st.builds(ScramFinish, scram_messages),
    st.builds(PskProof, st.just("default"), st.binary(min_size=8, max_size=64), nonces, bindings, nonces),
    st.builds(CertificateProof),
    st.sampled_from(["secret", ":+5 two words ", ""]).map(PasswordProof),
    st.builds(PlainProof, st.binary(min_size=1, max_size=40)),
)
registrations = st.builds(
    Registration,
    st.binary(min_size=1, max_size=60),
    st.none() | words,
    st.none() | st.just(datetime(2031, 1, 1, 0, 0, 1, tzinfo=UTC)),
)
PLAIN_SCHEME = Scheme.PLAIN_SECRET


@st.composite
def publications(draw: st.DrawFn) -> Publish:
    """Draw a publication; one that is acknowledged has an id."""
    payload, qos = draw(payloads), draw(st.sampled_from(QoS))
    request = draw(ids if qos else requests)
    return Publish(request, draw(topics), payload, len(payload.data), qos, draw(st.none() | st.integers(0, 2**32 - 1)))


def _calls(request: str, topic: str, payload: Payload, to: str | None, seconds: float | None) -> Call:
    return Call(request, topic, payload, len(payload.data), to, seconds)


def _answers(request: str, number: int, payload: Payload, failed: bool) -> Answer:
    return Answer(request, number, payload, len(payload.data), failed)


seconds = st.none() | st.integers(0, 1000).map(float)
commands = st.one_of(
    publications(),
    st.builds(Identify, requests, words),
    st.builds(Prove, requests, components, proofs),
    st.builds(Register, requests, components, registrations),
    st.builds(Unregister, requests),
    st.builds(Complete, requests),
    st.builds(Acknowledge, requests, numbers),
    st.builds(Subscribe, requests, topics, sinces),
    st.builds(Unsubscribe, requests, topics),
    st.builds(React, requests, st.just(True), sinces),
    st.builds(React, requests, st.just(False)),
    st.builds(
        Setup, requests, st.lists(topics, max_size=3).map(tuple),
        st.lists(st.tuples(topics, sinces), max_size=3).map(tuple),
    ),
    st.builds(Expose, requests, topics),
    st.builds(Unexpose, requests, topics),
    st.builds(_calls, requests, topics, payloads, st.none() | components, seconds),
    st.builds(Cancel, requests),
    st.builds(_answers, requests, numbers, payloads, st.booleans()),
    st.builds(Administer, requests, changes),
    st.builds(Explain, requests, st.sampled_from(Verb), topics, st.none() | components),
    st.builds(Inspect, requests, st.sampled_from(View)),
    st.builds(Ping, requests),
    st.builds(Pong, requests),
    st.builds(Help, requests),
    st.builds(Bye, requests),
)  # fmt: skip
