"""The certificate authority's rules: names, keys, profiles, issuing, renewal, trust.

Pure: no Twisted, no files, no clock or randomness of its own. What it needs is given to it.
"""
