"""The table of the agent's settings; those of a certificate are flags for the only one, or keys for one of several."""

from __future__ import annotations

from pkid.ca.keys import KeyType
from pkid.ca.names import DEFAULT_TRUST_DOMAIN
from pkid.installer import kinds
from pkid.settings import Component, Setting, component_kinds, shared
from pkid.settings import kinds as common
from pkid.settings.component_core import CA_CERT, CA_FINGERPRINT, CORE

__all__ = ["AGENT", "CERTIFICATE", "CERTIFICATES", "FILES"]

STATE = Setting("state", "DIR", common.path, None, "what the agent keeps: the CA that it trusts")
SOCKET = Setting("socket", "FILE", common.path, None, "where it tells its status (see Status)")

PSK = Setting(shared.PSK.name, "KEY", common.text, None, "its pre-shared key itself; visible to everybody in ps")
PSK_FILE = Setting(shared.PSK_FILE.name, "FILE", common.path, None, "a file that holds the key; better than --psk")
NO_TLS = Setting(shared.NO_TLS.name, "", common.boolean, "false", "speak to the core in plain text, at http:")
CERT = Setting(shared.CERT.name, "FILE", common.path, None, "a certificate of the core's to begin with (see there)")
TRUST_DOMAIN = Setting(
    "trust-domain", "NAME", common.trust_domain, DEFAULT_TRUST_DOMAIN, "where the core's identities belong"
)

NAME = Setting("name", "NAME", kinds.name, None, "what it is called in the status [the common name]")
COMMON_NAME = Setting("common-name", "NAME", component_kinds.subject, None, "its common name")
DNS_NAMES = Setting("dns-names", "LIST", common.host_names, "", "host names in it [the common name, if it is one]")
IP_ADDRESSES = Setting("ip-addresses", "LIST", common.ip_addresses, "", "addresses in it")
IDENTITY = Setting("identity", "NAME", common.text, None, "the component's name, for an identity of the core in it")
KEY_TYPE = Setting(
    "key-type",
    "TYPE",
    common.one_of(kind.value for kind in KeyType),
    KeyType.P256.value,
    f"of its keys: {', '.join(kind.value for kind in KeyType)}",
)
OUT = Setting("out", "DIR", common.path, None, "the directory that its files are written to")
COMBINED = Setting("combined", "", common.boolean, "false", "key and certificate in one file, too: combined.pem")
OWNER = Setting("owner", "USER", kinds.user, None, "who owns the files; as root only")
GROUP = Setting("group", "GROUP", kinds.group, None, "their group")
MODE = Setting("mode", "MODE", kinds.mode, "0600", "permissions of the key")
ON_RENEW = Setting("on-renew", "CMD", kinds.command, None, "what to run for each new one; no shell sees it")
ON_RENEW_TIMEOUT = Setting("on-renew-timeout", "TIME", kinds.timeout, "30s", "how long that may take")

CERTIFICATE = (
    NAME, COMMON_NAME, DNS_NAMES, IP_ADDRESSES, IDENTITY, KEY_TYPE,
    OUT, COMBINED, OWNER, GROUP, MODE, ON_RENEW, ON_RENEW_TIMEOUT,
)  # fmt: skip
"""The settings of one certificate."""

CERTIFICATES = "certificate"
"""Several certificates, a table for each."""

FILES = "files"
"""In such a table: other names for the files."""

AGENT = Component(
    "agent",
    {
        "General": (shared.CONFIG, STATE, SOCKET),
        "The core": (CORE, PSK, PSK_FILE, CA_CERT, CA_FINGERPRINT, NO_TLS, TRUST_DOMAIN),
        "A certificate to begin with": (
            CERT, shared.CERT_KEY, shared.CERT_KEY_PASS, shared.CERT_KEY_PASS_FILE,
        ),
        "The certificate": CERTIFICATE,
    },
    tables=(CERTIFICATES,),
)  # fmt: skip
"""The agent."""
