"""Tests of `pkid.shell.doctor`."""
