"""Tests of pkid.messaging."""
