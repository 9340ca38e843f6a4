"""Tests of `pkid.exporter`, the component that tells Prometheus about a core."""
