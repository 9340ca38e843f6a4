"""The shell: `pkid`, the program that carries commands to a core and brings back what they give; without Twisted."""
