"""Running a sweep on Ray: what to run next, with which hyperparameters, and in which process."""
