"""Tests of the command language and of the commands."""
