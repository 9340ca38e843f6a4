"""What the broker keeps of messages and of who wants them, in a database of its own."""
