"""The suite: pkid, its peers and the machine's limits, measured in turns within one run.

Each file in `paths` describes one path through pkid: who is measured, and what the figures must show. `rounds` measures
them in turns, `report` and `plot` write down what came of it.
"""
