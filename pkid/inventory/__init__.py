"""The inventory: what a core knows, as resources of a few kinds, and one way to search them.

Pure: knows kinds, predicates, their grammar and the order of resources. A source answers predicates for one kind, from
a database or from memory; the time is a parameter. Must not know where sources are, nor who asks.
"""
