"""The line door: the broker for people who type and for programs of a hundred lines."""
