"""Draws that depend on a row's number and the seed alone, never on batches or on other rows."""

from __future__ import annotations

import random
from hashlib import blake2b


def stream(seed: int, *what: object) -> random.Random:
    """A generator of its own for (seed, what, ...); only its `random()` may be used: that one never
    changes.
    """
    return random.Random(int.from_bytes(_hash(seed, what), "big"))


def uniform(seed: int, *what: object) -> float:
    """One number in [0, 1) for (seed, what, ...)."""
    return (int.from_bytes(_hash(seed, what), "big") >> 11) / 2**53


def _hash(seed: int, what: tuple[object, ...]) -> bytes:
    return blake2b("\x1f".join(map(str, (seed, *what))).encode(), digest_size=8).digest()
