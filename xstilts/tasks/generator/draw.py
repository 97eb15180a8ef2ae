"""Random streams that stay the same for ever.

A stream is named by words (task, split, language), not by its place in another stream: a task added
later moves no row of the others. numpy promises the output of `RandomState` across its versions,
which it does not for `default_rng` (NEP 19).
"""

from __future__ import annotations

import hashlib

import numpy as np

VERSION = 1
"""Version of everything the generator yields; raised whenever a row, a word or a tag changes."""

Draw = np.random.RandomState


def stream(*names: str) -> Draw:
    """A fresh random stream with the name `names`."""
    key = hashlib.sha256("/".join(names).encode()).digest()
    return Draw(np.frombuffer(key, dtype="<u4").astype(np.uint32))
