"""The commands about the broker: who is there, who may do what, and the keys of components."""
