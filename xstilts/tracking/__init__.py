"""MLflow: a mirror of the records that can be rebuilt from them at any time."""
