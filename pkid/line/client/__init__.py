"""The broker for programs on Twisted, by the line protocol.

=============================  =============================================================================
:class:`Client`                a service that is connected to the broker whenever it can be
:class:`TrustingEndpoint`      the way to a core: whom to trust says its pre-shared key, or a CA certificate
:class:`OwnKey`                proves the component's name; also :class:`OwnPassword`,
                               :class:`OwnPreSharedKey`, :class:`OwnCertificate`
:func:`find_credential`        reads it from the component's files
:class:`Subscription`          what comes on a topic: ``async for message in subscription``
:class:`QoS`                   how often a message arrives
:class:`Payload`               what is published, called and answered, if it is neither text nor bytes
=============================  =============================================================================

What goes wrong is a :class:`Denied`, :class:`CallFailed` or :class:`Disconnected`, each a
:class:`~pkid.answers.CoreError`, or a :class:`~pkid.ca.trust.TrustError`: then the core is not to be trusted, and
nothing was sent that somebody else could use. Nothing here imports the global reactor.
"""

from pkid.auth.own_credential import OwnCertificate, OwnKey, OwnPassword, OwnPreSharedKey
from pkid.broker.commands import LAST_RECEIVED, View
from pkid.broker.message import QoS
from pkid.broker.payload import Payload, PayloadKind
from pkid.broker.rules import Verb
from pkid.credential_files import find_credential, read_credential
from pkid.line.client.client import Client
from pkid.line.client.endpoint import TrustingEndpoint
from pkid.line.client.errors import CallFailed, Denied, Disconnected
from pkid.line.client.subscriptions import Subscription
from pkid.line.events import Delivered, Invoked

__all__ = [
    "LAST_RECEIVED",
    "CallFailed",
    "Client",
    "Delivered",
    "Denied",
    "Disconnected",
    "Invoked",
    "OwnCertificate",
    "OwnKey",
    "OwnPassword",
    "OwnPreSharedKey",
    "Payload",
    "PayloadKind",
    "QoS",
    "Subscription",
    "TrustingEndpoint",
    "Verb",
    "View",
    "find_credential",
    "read_credential",
]
