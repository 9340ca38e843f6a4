"""The line door: codec, protocol, documentation, and what hostile peers can do."""
