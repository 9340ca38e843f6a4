"""The authority's rules: names, keys, requests, profiles, issuing, renewal, trust."""
