"""Bodies, heads and checkpoints."""
