"""A task's rows: read from their source, checked, transformed, tokenised once."""
