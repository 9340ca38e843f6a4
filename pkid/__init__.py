"""One daemon that gives a fleet of components trusted TLS that renews itself."""

__version__ = "0.1.0"
