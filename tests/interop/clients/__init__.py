"""Programs that run in a client's own environment; they import nothing of pkid."""
