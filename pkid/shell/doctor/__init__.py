"""`pkid doctor`: looks at a core from outside, changes nothing, and says what to mend; the core need not run."""
