"""What everything else is about, as values: tasks, sweeps, phases and their identity. Imports no
heavy library.
"""
