"""A task's rows: read, counted, checked, hashed, tokenised once.

Rows come from the hub, a mirror, the user's files or the generator (`sources.py`). Split
expressions cut them (`splits.py`); `columns.py` puts them under the roles of the task's format and
turns labels into ids; `tables.py` joins the parts of a union; `transforms` changes training rows
last. This module puts these together; it is the only one that the rest of xstilts needs.

Words: a *use* is `train`, `dev` or `test`. `train` and `dev` exist in the task's training
languages, `test` in each of its languages; a `dev` that tunes an evaluation (mining) also exists in
each of them. Where a function takes `language`, None means all languages of the use, one after the
other. Rows of several languages have a column `language`. Limits apply to each language. Rows keep
the order of their source.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.data import looked, transforms
from xstilts.data.encoding import encoded_split, encoding_key
from xstilts.data.label_tables import is_open, sweep_labels, with_labels
from xstilts.data.reading import tables
from xstilts.data.reading.tables import with_language
from xstilts.data.transforms.inputs import rows_key, use_revision
from xstilts.errors import DataError
from xstilts.formats.encoded import EncodedSplit
from xstilts.sources.context import DataContext
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Action, Task, Use

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "check",
    "encoded",
    "is_open",
    "revision",
    "rows",
    "sizes",
    "sweep_labels",
    "with_labels",
]


def rows(task: Task, use: Use, language: str | None, context: DataContext) -> datasets.Dataset:
    """The rows of a use under their roles; the DataError lists everything wrong with them."""
    import datasets

    return datasets.Dataset(_rows(with_labels(task, context), use, language, context))


def sizes(task: Task, use: Use, language: str | None, context: DataContext) -> int:
    """Number of rows of a use, from the files' own counts.

    This includes rows that are left out (`looked.Facts` has their number) and rows that a transform
    will have to drop.
    """
    return sum(_size(task, use, one, context) for one in _languages(task, use, language))


def _size(task: Task, use: Use, language: str, context: DataContext) -> int:
    rows = tables.size(task, use, language, context)
    return transforms.expected_rows(rows, task) if use == "train" else rows


def revision(task: Task, action: Action, context: DataContext) -> str:
    """Hash (24 hexadecimal digits) of the content of all files that an action reads, wherever they
    lie.
    """
    uses = task.uses(action)
    held = [
        [use, one, tables.contents(task, use, one, context)]
        for use in uses
        for one in task.languages_of(use)
    ]
    transform = use_revision(task, "train", context) if action == "train" else None
    return digest([*held, ["transform", transform]] if transform else held)


def check(task: Task, action: Action, context: DataContext) -> list[str]:
    """Everything wrong with the data for an action, a message each; empty: every row can be used.

    `looked.look` says more: what is left out, which labels there are, what is doubtful.
    """
    return looked.look(task, action, context).problems


def encoded(
    task: Task,
    use: Use,
    language: str | None,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    context: DataContext,
) -> EncodedSplit:
    """The rows of a use, tokenised; the first call for this content writes it, later calls map
    it.
    """
    task = with_labels(task, context)
    names = _languages(task, use, language)
    key = encoding_key(rows_key(task, use, names, context), task, tokenizer, hyper)
    return encoded_split(
        key,
        task,
        tokenizer,
        hyper,
        cache=Path(context.cache),
        rows=lambda: _rows(task, use, language, context),
        language=language,
    )


def _rows(task: Task, use: Use, language: str | None, context: DataContext) -> pa.Table:
    import pyarrow as pa

    names = _languages(task, use, language)
    found = []
    for one in names:
        read = tables.role_table(task, use, one, context)
        if read.table is None:
            raise DataError("\n".join(read.problems))
        table = read.table
        if use == "train":
            table = transforms.apply(table, task, one, context)
        found.append(with_language(table, one) if len(names) > 1 else table)
    return pa.concat_tables(found)


def _languages(task: Task, use: Use, language: str | None) -> tuple[str, ...]:
    return (language,) if language else task.languages_of(use)
