"""Who may come in: pre-shared keys, the tokens that they sign, and twisted.cred's parts for them.

Pure but for `twisted.cred` and `twisted.internet.defer`: clock, randomness and offloading are parameters.
"""
