"""Tests of the inventory: its grammar, its predicates, and the results of searches."""
