"""One phase, run to its record; and one training inside it, update by update."""
