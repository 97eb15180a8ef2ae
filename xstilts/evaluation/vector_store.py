"""Keeps the vectors of a sweep of layers: in memory if they are few, in a file if they are many.

BUCC's test rows have up to a million sentences in a language. Their vectors in every hidden state
of a large model take 50 GB, too much for a worker's memory. The file lies in scratch space, has no
name, and disappears with the process. Its space is reserved before anything is written, so a full
disk is an error and not a crash.

`N` sentences, `V` variants without the task's own, `H` hidden width.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from xstilts.formats.embedding import Array, SweptVectors

IN_MEMORY_BYTES = 1 << 30
"""Up to this size, vectors are kept in memory."""

Scratch = Callable[[], AbstractContextManager[Path]]
"""Makes a local folder that is removed at the end of the `with` block."""


class VectorStore:
    """Stores what a format keeps of each feature; a sweep's vectors may go to a file."""

    def __init__(self, n: int, scratch: Scratch, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        """For `n` features; the file, if needed, is made in a folder from `scratch`."""
        self.n, self.scratch, self.in_memory_bytes = n, scratch, in_memory_bytes
        self._vectors_VNH: Array | None = None

    def keep(self, number: int, kept: Any) -> Any:
        """Stores `kept` of feature `number`; returns what to use instead. OSError if the disk is
        full.
        """
        if (
            not isinstance(kept, SweptVectors)
            or self.n * kept.others_VH.nbytes <= self.in_memory_bytes
        ):
            return kept
        if self._vectors_VNH is None:
            variants, width = kept.others_VH.shape
            self._vectors_VNH = self._file((variants, self.n, width), kept.others_VH.dtype)
        self._vectors_VNH[:, number] = kept.others_VH
        return SweptVectors(kept.own_H, self._vectors_VNH[:, number])

    def _file(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
        with self.scratch() as folder, tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(
                file.fileno(), 0, int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            )
            return np.asarray(np.memmap(file, dtype=kind, mode="r+", shape=shape))
