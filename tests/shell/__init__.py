"""Tests of `pkid.shell`."""
