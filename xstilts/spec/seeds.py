"""Seeds made of a seed and of what it is for: equal on every machine, independent of what ran
before.
"""

from __future__ import annotations

from xstilts.spec.digests import digest


def subseed(seed: int, *words: str | int) -> int:
    """A seed in [0, 2^60) made of the phase's seed and of what it is for; equal on every
    machine.
    """
    return int(digest([seed, *words], 15), 16)
