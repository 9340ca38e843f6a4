"""Tests of `etc/prometheus`: Prometheus takes the rules, and they fire when they should."""
