"""Who may come in: keys, tokens, and twisted.cred's parts for them."""
