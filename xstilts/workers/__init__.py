"""The process that a phase runs in: its rank among the workers, its context, its precision."""
