"""The paths that are measured. Each file has one function ``paths(scale)``; a new file is found by itself."""
