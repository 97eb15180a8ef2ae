"""The version, where everything may read it: importing it imports nothing."""

__version__ = "0.1.0"
