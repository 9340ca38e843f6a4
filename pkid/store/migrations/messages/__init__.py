"""The migrations of the message store, one file for each version of its schema."""
