"""Driving a run of a sweep on Ray: what to run next, with which hyperparameters, and who does
it.
"""
