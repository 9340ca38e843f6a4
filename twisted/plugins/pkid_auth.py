"""Makes the kinds of checkers of ``twistd pkid --auth`` known; imports nothing of pkid until one of them is asked for.

A factory's checker is unbound: it accepts nobody until a core binds it.
"""

from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.plugin import IPlugin
from twisted.python.reflect import namedAny
from zope.interface import implementer


@implementer(IPlugin, ICheckerFactory)
class _Factory:
    def __init__(self, authType, checker, argStringFormat, authHelp):
        self.authType = authType
        self.argStringFormat = argStringFormat
        self.authHelp = authHelp
        self._checker = f"pkid.auth.unbound.{checker}"
        self._takes_argument = argStringFormat != _NO_ARGUMENT

    @property
    def credentialInterfaces(self):
        return namedAny(self._checker).credentialInterfaces

    def generateChecker(self, argstring=""):
        if argstring and not self._takes_argument:
            raise InvalidAuthArgumentString(f"{self.authType} takes no argument")
        return namedAny(self._checker)(*([argstring] if self._takes_argument else []))


_NO_ARGUMENT = "No argument."

psk = _Factory(
    "psk",
    "PreSharedKeys",
    _NO_ARGUMENT,
    """
A component proves a name by a pre-shared key of the core, if the key's policy
allows the name. A name that has rights or a key of its own must be listed
there literally. On by default.
""",
)

certificate = _Factory(
    "certificate",
    "Certificates",
    _NO_ARGUMENT,
    """
A component proves the name that stands as its identity, spiffe://.../NAME, in
a certificate of this core. The policy of the key by which the certificate was
got counts as for psk. On by default.
""",
)

store = _Factory(
    "store",
    "StoredKeys",
    _NO_ARGUMENT,
    """
A component proves a name by a public key or a password that the core has
stored for it: registered by the component, or added by an admin. On by default.
""",
)

keydir = _Factory(
    "keydir",
    "KeyDirectory",
    "A directory; by default the one of Rembus's broker ($BROKER_DB).",
    """
A component proves a name by a public key or a shared secret in a directory of
Rembus's layout: keys/NAME[.rsa|.ecdsa][.pem|.der]. The lists admins.json,
tenants.json and topic_auth.json in it count, too. Changes hold within seconds;
nothing is written there.
""",
)
