"""The commands about the broker."""
