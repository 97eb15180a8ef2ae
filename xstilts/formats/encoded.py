"""One split of a task, tokenised, with the rows it was made from; formats decode from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import datasets

Array = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class EncodedSplit:
    """One tokenised split; its files are memory-mapped and read only where it is indexed."""

    features: datasets.Dataset
    """The result of `formats.<name>.encode`; a row may have several features, in order."""
    rows: datasets.Dataset
    """The rows under their roles; `features["row"]` points here."""
    lengths: Array
    """Tokens of each feature, without padding."""
    n_items: Array
    """Loss items of each feature."""
    language: str | None = None
    """The language of all rows; None for a split of all languages of a use."""

    def __len__(self) -> int:
        """Number of features."""
        return len(self.lengths)
