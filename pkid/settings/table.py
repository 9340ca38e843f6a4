"""The table of the core's settings: the only place that names them.

The flags, the environment variables, the keys of the file, the help and the test of ``etc/pkid.toml`` derive from it.
Other components have tables of their own, which share settings with this one.
"""

from __future__ import annotations

from pkid.broker.policy import Choice, Duplicates, Overflow
from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN
from pkid.settings import kinds
from pkid.settings.auth import AUTH
from pkid.settings.component import Component, Setting
from pkid.settings.endpoints import OFF, endpoint_or_off
from pkid.settings.shared import (
    ALLOW_WEAK_PSK,
    CERT,
    CERT_KEY,
    CERT_KEY_PASS,
    CERT_KEY_PASS_FILE,
    CONFIG,
    NO_TLS,
    PSK,
    PSK_FILE,
)

__all__ = ["CORE", "PSKS", "Setting"]

STATE = Setting("state", "DIR", kinds.path, None, "what pkid keeps: CA, PSK and ledger (see Files)")

STRICT_TOKENS = Setting("strict-tokens", "", kinds.boolean, "false", "accept only tokens that are bound to one request")

HTTPS = Setting("https", "ENDPOINT", endpoint_or_off, "tcp:8900", "where to listen, or off")
HOST_DNS_NAMES = Setting("host-dns-names", "LIST", kinds.host_names, "", "more names in the core's own certificate")
HOST_IP_ADDRESSES = Setting("host-ip-addresses", "LIST", kinds.ip_addresses, "", "more addresses in it")
OPEN_METRICS = Setting("open-metrics", "", kinds.boolean, "false", "show /metrics to everybody, not only to readers")

CA_CERT = Setting("ca-cert", "FILE", kinds.path, None, "own CA, with its issuers up to the root")
CA_CERT_KEY = Setting("ca-cert-key", "FILE", kinds.path, None, "its private key; without, it is trusted only")
CA_CERT_KEY_PASS = Setting("ca-cert-key-pass", "TEXT", kinds.text, None, "of the CA's key, own or stored")
CA_CERT_KEY_PASS_FILE = Setting("ca-cert-key-pass-file", "FILE", kinds.path, None, "a file that holds it; better")
CA_KEY_TYPE = Setting(
    "ca-key-type",
    "TYPE",
    kinds.one_of(kind.value for kind in KeyType),
    KeyType.P256.value,
    f"of a new CA: {', '.join(kind.value for kind in KeyType)}",
)
TRUST_DOMAIN = Setting(
    "trust-domain",
    "NAME",
    kinds.trust_domain,
    None,
    f"of spiffe://NAME/... [stored, else {DEFAULT_TRUST_DOMAIN}]",
)
LEAF_LIFETIME = Setting("leaf-lifetime", "TIME", kinds.lifetime, "365d", "of certificates, as 90s, 15m, 12h, 30d")
KEEP_EXPIRED = Setting(
    "keep-expired", "TIME", kinds.keeping, "90d", "how long the ledger keeps expired certificates; or forever"
)
FORBID_CORE_NAMES = Setting(
    "forbid-core-names", "", kinds.boolean, "false", "no certificates for the core's names or loopback"
)

LINE = Setting("line", "ENDPOINT", endpoint_or_off, "tcp:8910", "where its line protocol listens, or off")
REMBUS_WSS = Setting(
    "rembus-wss",
    "ENDPOINT",
    endpoint_or_off,
    "tcp:8338",
    "where its Rembus protocol listens, or off; WebSocket, TLS",
)
REMBUS_WS = Setting("rembus-ws", "ENDPOINT", endpoint_or_off, OFF, "the same without TLS")
REMBUS_TLS = Setting("rembus-tls", "ENDPOINT", endpoint_or_off, OFF, "the same without WebSocket")
REMBUS_TCP = Setting("rembus-tcp", "ENDPOINT", endpoint_or_off, OFF, "the same without either")
AUTHENTICATED = Setting("authenticated", "", kinds.boolean, "false", "serve only those who proved a name")
OPEN_TENANTS = Setting("open-tenants", "", kinds.boolean, "false", "let names into tenants that were not proven")
PRIVATE_TOPICS = Setting("private-topics", "", kinds.boolean, "false", "a topic is private unless it was made public")
RETAIN = Setting(
    "retain", "LIST", kinds.patterns, "", "topics, or patterns, whose messages are kept for who comes later"
)
KEEP_MESSAGES = Setting("keep-messages", "TIME", kinds.duration, "7d", "how long messages are kept at most")
KEPT_SIZE = Setting("kept-size", "SIZE", kinds.size, "1g", "how much is kept for each tenant at most")
MESSAGE_SIZE = Setting("message-size", "SIZE", kinds.size, "1m", "how large a message, a call or an answer may be")
BACKLOG = Setting("backlog", "SIZE", kinds.size, "1m", "how much may wait for each session")
OVERFLOW = Setting(
    "overflow", "CHOICE", kinds.one_of(each.value for each in Overflow), Overflow.DROP_OLDEST.value,
    f"what happens beyond that: {', '.join(each.value for each in Overflow)}",
)  # fmt: skip
DUPLICATES = Setting(
    "duplicates", "CHOICE", kinds.one_of(each.value for each in Duplicates), Duplicates.REPLACE.value,
    f"what becomes of a second session under a name: {', '.join(each.value for each in Duplicates)}",
)  # fmt: skip
EXPOSER = Setting(
    "exposer", "CHOICE", kinds.one_of(each.value for each in Choice), Choice.FIRST_UP.value,
    f"which of several exposers answers: {', '.join(each.value for each in Choice)}",
)  # fmt: skip
COMMAND_RATE = Setting("command-rate", "N", kinds.count, "0", "commands a second of each session; 0 for any number")
BYTE_RATE = Setting("byte-rate", "SIZE", kinds.size, "0", "of payload a second of each session; 0 for any number")
CONNECTIONS = Setting("connections", "N", kinds.count, "10000", "at a time, half of them without a proven name")
CONNECTIONS_PER_ADDRESS = Setting(
    "connections-per-address", "N", kinds.count, "1000", "of one address, a quarter of them without a proven name"
)

PSKS = "psks"
"""More pre-shared keys, a table for each (`pkid.settings.psks`)."""

CORE = Component(
    "core",
    {
        "General": (CONFIG, STATE),
        "Pre-shared key (PSK)": (PSK, PSK_FILE, ALLOW_WEAK_PSK, STRICT_TOKENS),
        "HTTPS door": (
            HTTPS, NO_TLS, HOST_DNS_NAMES, HOST_IP_ADDRESSES, OPEN_METRICS,
            CERT, CERT_KEY, CERT_KEY_PASS, CERT_KEY_PASS_FILE,
        ),
        "Authority": (
            CA_CERT, CA_CERT_KEY, CA_CERT_KEY_PASS, CA_CERT_KEY_PASS_FILE,
            CA_KEY_TYPE, TRUST_DOMAIN, LEAF_LIFETIME, FORBID_CORE_NAMES, KEEP_EXPIRED,
        ),
        "Broker": (
            LINE, REMBUS_WSS, REMBUS_WS, REMBUS_TLS, REMBUS_TCP, AUTH, AUTHENTICATED, OPEN_TENANTS, PRIVATE_TOPICS,
            RETAIN, KEEP_MESSAGES, KEPT_SIZE, MESSAGE_SIZE, BACKLOG, OVERFLOW, DUPLICATES, EXPOSER,
            COMMAND_RATE, BYTE_RATE, CONNECTIONS, CONNECTIONS_PER_ADDRESS,
        ),
    },
    tables=(PSKS,),
)  # fmt: skip
"""The daemon."""
