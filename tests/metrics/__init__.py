"""Tests of `pkid.metrics`: what is counted, and how it is written."""
