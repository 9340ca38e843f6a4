"""What a program counts and measures while it works, in the forms that Prometheus reads; nothing here decides."""
