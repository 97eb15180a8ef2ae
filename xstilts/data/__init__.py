"""A task's rows, from where they lie to what a format reads; tokenised once."""
