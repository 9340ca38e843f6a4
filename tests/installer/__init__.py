"""Certificates in files: sets, links, hooks, settings, status."""
