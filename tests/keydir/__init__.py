"""Directories of keys in Rembus's layout."""
