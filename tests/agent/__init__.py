"""The component's side on Twisted: trust, certificates that renew themselves, live TLS."""
