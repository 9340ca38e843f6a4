"""Small servers that the suite starts as processes of their own: bare ones as limits, and what the original does."""
