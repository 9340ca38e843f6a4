"""Tests of pkid.auth."""
