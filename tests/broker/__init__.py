"""The broker's decisions, driven as a door and a core would drive them, without either."""
