"""Tests of pkid.ca."""
