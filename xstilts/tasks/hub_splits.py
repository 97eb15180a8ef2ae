"""The two ways in which most datasets on the hub are split."""

from __future__ import annotations

from xstilts.spec.task import Splits

TESTED = Splits(train="train", dev="validation", test="test")
"""Each use has a split of its own."""
TESTED_ON_DEV = Splits(train="train", dev="validation", test="validation")
"""`test` has hidden labels or does not exist: scores are of the validation split, as is usual."""
