"""Clusters of several machines: their files, what a run needs of them, and sweeps as their jobs."""
