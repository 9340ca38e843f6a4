"""The component's side of the line protocol."""
