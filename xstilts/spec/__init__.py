"""Tasks, sweeps, phases and their identity, as values. Imports no heavy library."""
