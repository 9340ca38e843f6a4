"""The broker as decisions: topics, rights, sessions, routes and deliveries.

Commands and answers go in as values, effects come out. Nothing here knows of sockets, clocks, dialects or Twisted.
"""
