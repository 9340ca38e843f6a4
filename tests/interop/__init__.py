"""The originals' real clients, curl and OpenSSL against the real daemon."""
