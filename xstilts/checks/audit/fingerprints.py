"""Rows of any format as 64-bit hashes of their normalised text, so that copies of a row have the
same hash.

There are two kinds. `row`: the whole example without its label. `text`: its longest parts, each by
itself. Texts are normalised: NFKC, lower case, one blank for each run of other characters than
letters and numbers. Two splits of 400,000 rows have one chance in 10^8 of a false hit. Hashes are
cached under a hash of the data, so rows that have not changed are not read again.

`N` rows, `k` texts of a row.
"""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xstilts.spec.digests import digest
from xstilts.spec.task import Action, Task, Use, evaluation_payload, training_payload

if TYPE_CHECKING:
    import pyarrow as pa

    from xstilts.sources.context import DataContext

VERSION = 1
"""Increased when the same row would get another hash."""
MIN_CHARACTERS = 12
"""A single text that is shorter says nothing about copies; its hash is 0."""
Kind = Literal["row", "text"]


def fingerprints(
    task: Task, use: Use, language: str | None, context: DataContext
) -> dict[Kind, Any]:
    """`row` (N, 1) and `text` (N, k) hashes of a use's rows before any transform; DataError if they
    can't be read.
    """
    import numpy as np

    from xstilts.data import task_data
    from xstilts.store.local_files import write_bytes

    plain = task.model_copy(update={"transform": None})
    key = identity(task, use, language, context)
    path = Path(context.cache) / "fingerprints" / f"{key}.npz"
    if path.exists():
        # numpy has many errors for a file that is not as it was written; a zip has checksums.
        with suppress(Exception), np.load(path) as stored:
            return {"row": stored["row"], "text": stored["text"]}
    found = hashes(task_data.rows(plain, use, language, context).data.table, plain)
    buffer = io.BytesIO()
    np.savez(buffer, row=found["row"], text=found["text"])
    write_bytes(path, buffer.getvalue())
    return found


def identity(task: Task, use: Use, language: str | None, context: DataContext) -> str:
    """Equal for rows with the same fingerprints; DataError if their files can't be read."""
    from xstilts.data import task_data
    from xstilts.data.reading.tables import ROWS_VERSION

    plain = task.model_copy(update={"transform": None})
    action: Action = "train" if use == "train" else "evaluate"
    payload = training_payload(plain) if use == "train" else evaluation_payload(plain)
    revision = task_data.revision(plain, action, context)
    return digest([VERSION, ROWS_VERSION, use, language, payload, revision])


def hashes(table: pa.Table, task: Task) -> dict[Kind, Any]:
    """`row` (N, 1) and `text` (N, k) hashes of a role table; 0 for a text that normalisation leaves
    empty or too short.
    """
    import numpy as np

    roles = [role for role in task.spec.row_roles if role in table.column_names]
    texts = {role: normal(_texts(table[role], role)) for role in roles}
    whole = _hashed(_joined(list(texts.values())), least=MIN_CHARACTERS if len(texts) == 1 else 1)
    alone = [
        _hashed(texts[role], least=MIN_CHARACTERS) for role in task.spec.lone_roles if role in texts
    ]
    return {"row": whole[:, None], "text": np.stack(alone, axis=1)}


def normal(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts in NFKC and lower case, with one blank for each run that is not letters or numbers."""
    import pyarrow.compute as pc

    lower = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    return pc.utf8_trim(
        pc.replace_substring_regex(lower, pattern=r"[^\p{L}\p{M}\p{N}]+", replacement=" "), " "
    )


def _texts(column: pa.ChunkedArray, role: str) -> pa.ChunkedArray:
    """A column as one text a row; words are joined in order, choices sorted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_list(column.type):
        return column
    if role != "choices":
        return pc.binary_join(column, " ")
    return pa.chunked_array(
        [pa.array([" | ".join(sorted(row)) for row in column.to_pylist()], pa.string())]
    )


def _joined(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Columns as one text a row, a line for each, so that `a b` + `c` is not `a` + `b c`."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*columns, "\n") if len(columns) > 1 else columns[0]


def _hashed(texts: pa.ChunkedArray, least: int) -> Any:
    """64-bit hashes (N,); 0 stands for a text of fewer than `least` characters."""
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc

    values = pd.util.hash_array(np.asarray(texts.to_numpy(), dtype=object), categorize=False)
    long_enough = pc.greater_equal(pc.utf8_length(texts), least).to_numpy()
    return np.where(long_enough, values, np.uint64(0))
