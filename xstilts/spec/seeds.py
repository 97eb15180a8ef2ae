"""Every random stream of xstilts, each made from a seed and words that say what it is for.

A stream never depends on earlier draws, on a worker or on a batch, so limits, resuming and the
order of work change nothing. There are four kinds, and none may change: with each of them something
was drawn that is published, or stored under an id.

    subseed            an integer for the torch and numpy generators of a training: trained weights
                       depend on it, and so does what the store has under a phase id
    row_stream,        draws for one row of a task's training data (transforms): phase ids and
    row_uniform        cached splits stand for these rows; cheap enough without numpy
    named_stream       rows of the generator, whose tasks are identified by a version, not by
                       content; `RandomState`, whose output numpy promises never to change (NEP 19)
    resampling_stream  the bootstrap of reports: published intervals and p-values depend on it

numpy is imported only when a stream is made: reading a sweep file does not need it.
"""

from __future__ import annotations

import random
import zlib
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

from xstilts.spec.digests import digest

if TYPE_CHECKING:
    import numpy as np


def subseed(seed: int, *words: str | int) -> int:
    """A seed in [0, 2^60) made from the phase's seed and its purpose; equal on every machine."""
    return int(digest([seed, *words], 15), 16)


def row_stream(seed: int, *what: object) -> random.Random:
    """A generator for (seed, what, ...). Use only its `random()`: Python promises that this method
    never changes.
    """
    return random.Random(int.from_bytes(_row_hash(seed, what), "big"))


def row_uniform(seed: int, *what: object) -> float:
    """One number in [0, 1) for (seed, what, ...)."""
    return (int.from_bytes(_row_hash(seed, what), "big") >> 11) / 2**53


def _row_hash(seed: int, what: tuple[object, ...]) -> bytes:
    return blake2b("\x1f".join(map(str, (seed, *what))).encode(), digest_size=8).digest()


def named_stream(*names: str) -> np.random.RandomState:
    """A fresh random stream named by `names` (task, split, language)."""
    import numpy as np

    key = sha256("/".join(names).encode()).digest()
    return np.random.RandomState(np.frombuffer(key, dtype="<u4").astype(np.uint32))


def resampling_stream(*names: str | int) -> np.random.Generator:
    """A fresh random stream for the resamples named by `names` (model, target, number of seeds); a
    string is replaced by its CRC-32.
    """
    import numpy as np

    entropy = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.default_rng(entropy)
