"""Tests of pkid.store."""
