"""Makes endpoint strings that begin with ``pkid:`` known; imports nothing of pkid until there is one."""

from twisted.internet.interfaces import IStreamClientEndpointStringParserWithReactor, IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from twisted.python.reflect import namedAny
from zope.interface import implementer


@implementer(IPlugin, IStreamServerEndpointStringParser, IStreamClientEndpointStringParserWithReactor)
class _Parser:
    prefix = "pkid"

    def parseStreamServer(self, reactor, *args, **kwargs):
        return namedAny("pkid.agent.endpoint.parse_server")(reactor, *args, **kwargs)

    def parseStreamClient(self, reactor, *args, **kwargs):
        return namedAny("pkid.line.client.parser.parse_client")(reactor, *args, **kwargs)


pkid_endpoint = _Parser()
