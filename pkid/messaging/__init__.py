"""The broker at work: carries out its effects with the store, the portal and the doors."""
