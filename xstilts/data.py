"""A task's rows, and what they are: counted, checked, hashed, tokenised once.

Rows come from the hub, a mirror, the user's files or the generator (`sources.py`), cut by split
expressions (`splits.py`), under the roles of the task's format with labels as ids (`columns.py`).
This module puts these together; it is the only one that the rest of xstilts needs.

Words: a *use* is `train`, `dev` or `test`. `train` and `dev` exist in the task's training languages,
`test` in each of its languages. Where a function takes `language`, None means the use's whole data:
the training languages one after the other. Limits hold for each language. The order is the source's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xstilts import columns, sources, splits
from xstilts.encoding import EncodedSplit, encoded_split, encoding_key
from xstilts.errors import DataError
from xstilts.identity import digest
from xstilts.models import model_revision, resolve_model
from xstilts.sources import DataContext
from xstilts.sweep import Hyperparameters
from xstilts.task import Task, Use

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "Action", "DataContext", "EncodedSplit", "check", "encoded", "languages_of", "model_revision", "resolve_model",
    "revision", "rows", "sizes", "uses_of",
]  # fmt: skip

Action = Literal["train", "evaluate"]
ROWS_VERSION = 1
"""Raised when the same source rows come out differently under their roles."""


def uses_of(action: Action) -> tuple[Use, ...]:
    """The uses that an action reads."""
    return ("train", "dev") if action == "train" else ("test",)


def languages_of(task: Task, use: Use) -> tuple[str, ...]:
    """The languages that a use exists in."""
    return task.languages if use == "test" else task.train_languages


def rows(task: Task, use: Use, language: str | None, context: DataContext) -> datasets.Dataset:
    """The rows of a use under their roles; DataError says all that is wrong with them."""
    import datasets

    return datasets.Dataset(_rows(task, use, language, context))


def sizes(task: Task, use: Use, language: str | None, context: DataContext) -> int:
    """Number of rows of a use, from the files' own counts: rows with a hidden label are still among them."""
    total = 0
    for one in _languages(task, use, language):
        cut = 0
        for piece in splits.parse(_expression(task, use)):
            start, stop = piece.span(sources.count(task, piece.name, one, context))
            cut += stop - start
        limit = getattr(task.limits, use)
        total += cut if limit is None else min(cut, limit)
    return total


def revision(task: Task, action: Action, context: DataContext) -> str:
    """Hash (24 hexadecimal digits) of what the files that an action reads hold, wherever they lie."""
    return digest(
        [[use, one, _contents(task, use, one, context)] for use in uses_of(action) for one in languages_of(task, use)]
    )


def check(task: Task, action: Action, context: DataContext) -> list[str]:
    """All that is wrong with the data for an action, a message each; empty: every row can be used.

    A problem that several languages share is told once, with their names.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for use in uses_of(action):
        for language in languages_of(task, use):
            for problem in _problems(task, use, language, context):
                found.setdefault(_anywhere(problem, task, language), []).append((language, problem))
    return [_told(places, shared) for shared, places in found.items()]


def _anywhere(problem: str, task: Task, language: str) -> str:
    """A problem without what is the language's own in it."""
    pattern = (task.source.config or "").replace("{language}", sources.word(task, language))
    return problem.replace(pattern, task.source.config or "") if pattern else problem


def _told(places: list[tuple[str, str]], shared: str) -> str:
    languages = list(dict.fromkeys(language for language, _ in places))
    if len(languages) == 1:
        return places[0][1]
    return f"{shared} [so in {len(languages)} languages: {', '.join(languages)}]"


def encoded(
    task: Task, use: Use, language: str | None, tokenizer: PreTrainedTokenizerBase, hyper: Hyperparameters,
    context: DataContext,
) -> EncodedSplit:  # fmt: skip
    """The rows of a use, tokenised; the first call for this content builds it, all later ones map it."""
    key = encoding_key(_data_key(task, use, language, context), task, tokenizer, hyper)
    return encoded_split(
        key, task, tokenizer, hyper, cache=Path(context.cache), rows=lambda: _rows(task, use, language, context)
    )


def _data_key(task: Task, use: Use, language: str | None, context: DataContext) -> str:
    """Names the rows of a use by content: what the files hold, the cut, the limit, the columns, the labels."""
    return digest(
        {
            "version": ROWS_VERSION,
            "files": [_contents(task, use, one, context) for one in _languages(task, use, language)],
            "file_format": task.source.file_format,
            "split": _expression(task, use),
            "limit": getattr(task.limits, use),
            "format": task.format,
            "columns": task.columns,
            "labels": list(task.labels),
        }
    )


def _contents(task: Task, use: Use, language: str, context: DataContext) -> list[list[str]]:
    names = splits.names(_expression(task, use))
    return [[name, sources.content(task, name, language, context)] for name in names]


def _rows(task: Task, use: Use, language: str | None, context: DataContext) -> pa.Table:
    import pyarrow as pa

    tables = []
    for one in _languages(task, use, language):
        table, problems = _role_table(task, use, one, context)
        if table is None:
            raise DataError("\n".join(problems))
        tables.append(table)
    return pa.concat_tables(tables)


def _role_table(task: Task, use: Use, language: str, context: DataContext) -> tuple[pa.Table | None, list[str]]:
    """Rows of one language under their roles, or what is wrong with them."""
    import pyarrow as pa

    tables, problems = [], []
    for piece in splits.parse(_expression(task, use)):
        raw = sources.read(task, piece.name, language, columns.wanted(task), context)
        start, stop = piece.span(raw.table.num_rows)
        cut = raw.sliced(start, stop)
        table, wrong = columns.to_roles(cut, task)
        at = f"task {task.name}: {sources.where(task, language)}, split {piece.name} (for {use})"
        problems += [f"{at}: {text}" for text in wrong]
        tables.append(table)
    if problems:
        return None, problems
    whole = pa.concat_tables([table for table in tables if table is not None])
    limit = getattr(task.limits, use)
    whole = whole.slice(0, limit) if limit else whole
    return (whole, []) if whole.num_rows else (None, [_empty(task, use, language)])


def _empty(task: Task, use: Use, language: str) -> str:
    return (
        f"task {task.name}: {sources.where(task, language)}, `{_expression(task, use)}` (for {use}): holds no rows "
        "that can be used, or only such with a hidden label (-1); take another split or a wider cut"
    )


def _problems(task: Task, use: Use, language: str, context: DataContext) -> Iterator[str]:
    try:
        table, problems = _role_table(task, use, language, context)
    except DataError as error:
        yield str(error) if str(error).startswith("task ") else f"task {task.name} ({use}): {error}"
        return
    yield from problems
    if table is not None and task.format == "span_qa":
        at = f"task {task.name}: {sources.where(task, language)} ({use})"
        yield from (f"{at}: {text}" for text in columns.misplaced_answers(table))


def _languages(task: Task, use: Use, language: str | None) -> tuple[str, ...]:
    return (language,) if language else languages_of(task, use)


def _expression(task: Task, use: Use) -> str:
    """The split expression of a use; DataError where the task has none."""
    expression = getattr(task.splits, use)
    if expression is not None:
        return str(expression)
    if use != "test" and task.train_task:
        raise DataError(f"task {task.name} has no split for {use}: it is trained on `{task.train_task}`")
    if use == "dev":
        raise DataError(
            f"task {task.name} has no split for dev, which chooses checkpoints; "
            'cut one out: `splits: {train: "train[:95%]", dev: "train[95%:]"}`'
        )
    raise DataError(f"task {task.name} has no split for {use}; name one in `splits:`")
