"""Random streams that stay the same for ever.

A stream is named by words (task, use, ...), never by a position in another stream: adding a task moves
no other task's rows. numpy guarantees the output of `RandomState` across its versions (NEP 19), which
it does not for `default_rng`.
"""

from __future__ import annotations

import hashlib

import numpy as np

VERSION = 1
"""Version of everything the generator yields; raised whenever a row, a word or a tag changes."""


def stream(*names: str) -> np.random.RandomState:
    """A fresh random stream with the name `names`."""
    key = hashlib.sha256("/".join((str(VERSION), *names)).encode()).digest()
    return np.random.RandomState(np.frombuffer(key, dtype="<u4").astype(np.uint32))
