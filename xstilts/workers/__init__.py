"""The process that a phase runs in: its place among others, what it is told, how precisely it
computes.
"""
