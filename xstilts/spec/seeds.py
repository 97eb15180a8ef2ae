"""Every random stream of xstilts, each made of a seed and of words that say what it is for.

A stream never depends on what was drawn before it, on a worker or on a batch, so limits, resuming
and the order of work change nothing. There are four ways, and none may change: something that was
published, or is stored under an id, was drawn with each.

    subseed            an integer for the torch and numpy generators of a training; decides
                       trained weights, and so what lies in the store under a phase id
    row_stream,        draws for one row of a task's training data (transforms); decide rows that
    row_uniform        phase ids and cached splits stand for, and cost too little to need numpy
    named_stream       rows of the generator; its tasks are identified by a version, not by content.
                       `RandomState`, whose output numpy promises for ever (NEP 19)
    resampling_stream  the bootstrap of reports; decides published intervals and p-values

numpy is imported when a stream is drawn from: reading a sweep file needs none.
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
    """A seed in [0, 2^60) made of the phase's seed and of what it is for; equal on every
    machine.
    """
    return int(digest([seed, *words], 15), 16)


def row_stream(seed: int, *what: object) -> random.Random:
    """A generator of its own for (seed, what, ...); only its `random()` may be used: that one never
    changes.
    """
    return random.Random(int.from_bytes(_row_hash(seed, what), "big"))


def row_uniform(seed: int, *what: object) -> float:
    """One number in [0, 1) for (seed, what, ...)."""
    return (int.from_bytes(_row_hash(seed, what), "big") >> 11) / 2**53


def _row_hash(seed: int, what: tuple[object, ...]) -> bytes:
    return blake2b("\x1f".join(map(str, (seed, *what))).encode(), digest_size=8).digest()


def named_stream(*names: str) -> np.random.RandomState:
    """A fresh random stream with the name `names` (task, split, language)."""
    import numpy as np

    key = sha256("/".join(names).encode()).digest()
    return np.random.RandomState(np.frombuffer(key, dtype="<u4").astype(np.uint32))


def resampling_stream(*names: str | int) -> np.random.Generator:
    """A fresh random stream for the resamples that `names` tell apart (model, target, number of
    seeds); a string stands for its CRC-32.
    """
    import numpy as np

    entropy = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.default_rng(entropy)
