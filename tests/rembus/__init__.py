"""The Rembus door."""
