"""The command language and its commands, run in the core; doors carry commands in and render what they give."""
