"""Directories of keys in Rembus's layout: read, followed while the core runs, and never written."""
