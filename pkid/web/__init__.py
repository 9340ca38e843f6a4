"""The HTTPS door: one module per family of resources, over `pkid.ca` and `pkid.auth`."""
