"""The component ``twistd pkid-metrics``: asks a core what it knows, and tells Prometheus, over TLS of its own."""
