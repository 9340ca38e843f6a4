"""The Rembus door: its two codecs, what its messages mean to the broker, its framings, and the door itself."""
