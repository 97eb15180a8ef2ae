"""What a format decodes from: one split of a task, tokenised, beside the rows that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import datasets

Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class EncodedSplit:
    """One split, tokenised; opened by mapping files, nothing is read until it is indexed."""

    features: datasets.Dataset
    """What `formats.<name>.encode` yields; one row may have given several features, in order."""
    rows: datasets.Dataset
    """The rows under their roles; `features["row"]` points here."""
    lengths: Array
    """Tokens of real text of each feature."""
    n_items: Array
    """Loss items of each feature."""
    language: str | None = None
    """The language of all rows; None for those of all the languages of a use."""

    def __len__(self) -> int:
        """Number of features."""
        return len(self.lengths)
