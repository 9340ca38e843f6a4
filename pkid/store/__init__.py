"""Where the ledger is kept: one transaction at a time, durable before anybody is told.

Knows databases and the thread that works on them; knows nothing of certificates beyond an entry's fields.
"""
