"""Certificates in files, for programs that read files: ``twistd pkid-agent``.

Stands on :mod:`pkid.agent`, which gets the certificates and renews them, and knows nothing of the core's own side.
"""
