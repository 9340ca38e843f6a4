"""The tests; this tree mirrors pkid/."""
