"""The originals' real clients, curl and OpenSSL against the real daemon; servers of others with its certificates."""
