"""Tests of the HTTPS door, in memory."""
