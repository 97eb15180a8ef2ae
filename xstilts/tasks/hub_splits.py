"""The two ways in which most datasets of the hub are split."""

from __future__ import annotations

from xstilts.spec.task import Splits

TESTED = Splits(train="train", dev="validation", test="test")
"""Each use has a split of its own."""
TESTED_ON_DEV = Splits(train="train", dev="validation", test="validation")
"""The labels of `test` are hidden, or there is none: the validation split is reported, as is usual.
"""
