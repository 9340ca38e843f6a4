"""Hostile requests: tables of bytes and of the answer that each must get."""
