"""Programs that others made, started as fairly as it goes: over TLS, with their own defaults where nothing is said."""
