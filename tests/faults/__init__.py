"""Slow tests of what may happen to a running core."""
