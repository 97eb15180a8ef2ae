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

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.data import transforms
from xstilts.data.encoding import encoded_split, encoding_key
from xstilts.data.reading import agreement, columns, labels, languages, sources, tables
from xstilts.data.reading.tables import with_language
from xstilts.data.transforms.inputs import rows_key, use_revision
from xstilts.errors import DataError
from xstilts.formats.encoded import EncodedSplit
from xstilts.sources.context import DataContext
from xstilts.spec import splits
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Action, Task, Use
from xstilts.store.local_files import write_json

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

CHECK_VERSION = 1
"""Raised when rows that passed the check may fail it now."""
_Finding = tuple[Use, str, str]
"""Use and language in which a problem was found, and the problem."""
_USES = " ({uses}): "
"""Stands for the uses that share a problem."""


def rows(task: Task, use: Use, language: str | None, context: DataContext) -> datasets.Dataset:
    """The rows of a use under their roles; the DataError lists everything wrong with them."""
    import datasets

    return datasets.Dataset(_rows(with_labels(task, context), use, language, context))


def sizes(task: Task, use: Use, language: str | None, context: DataContext) -> int:
    """Number of rows of a use, from the files' own counts.

    This includes rows with a hidden label and rows that a transform will have to drop.
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

    A problem that several uses or languages share is listed once, with their names. A transform is
    not applied here: its own `problems` say what it lacks.
    """
    try:
        task = with_labels(task, context)
    except DataError as error:
        return [
            line if line.startswith("task ") else f"task {task.name}: {line}"
            for line in str(error).splitlines()
        ]
    findings: dict[str, list[_Finding]] = {}
    for use in task.uses(action):
        for language in task.languages_of(use):
            for problem in _problems(task, use, language, context):
                anywhere = _anywhere(problem, task, language).replace(f" ({use}): ", _USES, 1)
                findings.setdefault(anywhere, []).append((use, language, problem))
    return [
        *(_message(places, shared) for shared, places in findings.items()),
        *_transform_problems(task, action, context),
    ]


def _transform_problems(task: Task, action: Action, context: DataContext) -> list[str]:
    return transforms.problems(task, context) if action == "train" else []


def _anywhere(problem: str, task: Task, language: str) -> str:
    """A problem with the names that differ between languages replaced by their patterns."""
    for leaf in task.leaves:
        own = (leaf.source.config, *(leaf.source.files or ()), *leaf.source.row_filter.values())
        for pattern in own:
            filled = (pattern or "").replace("{language}", languages.word(leaf, language))
            problem = problem.replace(filled, pattern) if pattern and filled != pattern else problem
    return problem


def _message(places: list[_Finding], shared: str) -> str:
    """The problem with the uses and languages that have it; `shared`: its text for any of them."""
    uses, languages = (dict.fromkeys(names) for names in list(zip(*places, strict=True))[:2])
    if len(uses) == len(languages) == 1:
        return places[0][2]
    one = places[0][2].replace(f" ({places[0][0]}): ", _USES, 1) if len(languages) == 1 else shared
    text = one.replace(_USES, f" ({', '.join(uses)}): ")
    return (
        f"{text} [in {len(languages)} languages: {', '.join(languages)}]"
        if len(languages) > 1
        else text
    )


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
        table, problems = tables.role_table(task, use, one, context)
        if table is None:
            raise DataError("\n".join(problems))
        if use == "train":
            table = transforms.apply(table, task, one, context)
        found.append(with_language(table, one) if len(names) > 1 else table)
    return pa.concat_tables(found)


def _problems(task: Task, use: Use, language: str, context: DataContext) -> Iterator[str]:
    """What is wrong with the rows of a use in one language. Rows that passed before are not read
    again.
    """
    plain = task.model_copy(update={"transform": None})
    passed = _passed_file(plain, use, language, context)
    if passed is not None and passed.exists():
        return
    try:
        table, found = tables.role_table(plain, use, language, context)
    except DataError as error:
        yield str(error) if str(error).startswith("task ") else f"task {task.name} ({use}): {error}"
        return
    if table is not None:
        found = [
            *found,
            *(f"task {task.name} ({use}, {language}): {text}" for text in _oddities(table, task)),
        ]
    if passed is not None and not found:
        write_json(passed, None)
    yield from found


def _passed_file(task: Task, use: Use, language: str, context: DataContext) -> Path | None:
    """The file that marks rows in which `_problems` found none; everything that decides the answer
    is hashed into its name. None if that can't be known.
    """
    rest = [
        task.options.model_dump(mode="json"),
        [leaf.transform is not None for leaf in task.leaves],
    ]
    try:
        name = digest([CHECK_VERSION, rows_key(task, use, (language,), context), rest])
    except DataError:  # a file is missing; `_problems` will say which
        return None
    return Path(context.cache) / "checked" / name


def _oddities(table: pa.Table, task: Task) -> Iterator[str]:
    """Problems that only a slower look at each row can find."""
    if labels.none_known(table, task):
        shown = ", ".join(task.labels[:4])
        yield (
            f"none of its labels occurs in its training rows ({shown}, ...); both must use the "
            "same label names"
        )
    if "answers" in task.spec.roles:
        yield from agreement.misplaced_answers(table)


def _languages(task: Task, use: Use, language: str | None) -> tuple[str, ...]:
    return (language,) if language else task.languages_of(use)


# -- label tables taken from the data


def with_labels(task: Task, context: DataContext) -> Task:
    """The task with its label table, taken from its training and development rows if it states
    none.

    The table is sorted and ends with `labels.UNSEEN`, which stands for any other label of the test
    rows. Limits do not shorten it. A task is returned unchanged if it states its labels, needs
    none, has no training rows, or is trained on the rows of another task, whose table it takes
    (`sweep_labels`).
    """
    if not is_open(task) or task.train_task or not task.has("train"):
        return task
    uses: tuple[Use, ...] = ("train", "dev") if task.has("dev") else ("train",)
    places = [
        (use, one, leaf)
        for use in uses
        for one in task.languages_of(use)
        for leaf in tables.leaves(task, use, one)
    ]
    what = [
        [tables.contents(task, use, one, context), leaf.columns, list(leaf.labels)]
        for use, one, leaf in places
    ]
    cuts = [tables.expression(task, leaf, use) for use, _, leaf in places]
    path = (
        Path(context.cache)
        / "labels"
        / f"{digest([tables.ROWS_VERSION, task.format, what, cuts])}.json"
    )
    try:
        found = tuple(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        found = labels.open_table(
            name for place in places for name in _label_names(task, *place, context)
        )
        if not context.looks_only:
            write_json(path, list(found))
    return task.model_copy(update={"labels": found})


def is_open(task: Task) -> bool:
    """Whether a task needs a label table and states none."""
    return task.spec.labelled and not task.labels


def sweep_labels(
    tasks: Iterable[Task], context: DataContext, *, unread: dict[str, str] | None = None
) -> tuple[Task, ...]:
    """A sweep's tasks with their label tables; a task trained on another's rows takes the table of
    that training task.

    Raises DataError where rows can't be read; with `unread`, such a task stays as it is and the
    reason goes there under its name.
    """
    found = {task.name: _labelled(task, context, unread) for task in tasks}
    return tuple(
        task.model_copy(update={"labels": found[task.train_task].labels})
        if is_open(task) and task.train_task in found
        else task
        for task in found.values()
    )


def _labelled(task: Task, context: DataContext, unread: dict[str, str] | None) -> Task:
    try:
        return with_labels(task, context)
    except (DataError, OSError) as error:
        if unread is None:
            raise
        unread[task.name] = str(error)
        return task


def _label_names(task: Task, use: Use, language: str, leaf: Task, context: DataContext) -> set[str]:
    """The label names in one part's rows, over all cuts of its splits."""
    if leaf.labels:
        return set(leaf.labels)
    column = leaf.column(task.label_role or "label")
    names: set[str] = set()
    for piece in splits.parse(tables.expression(task, leaf, use)):
        raw = columns.with_fields(
            sources.read(leaf, piece.name, language, (column, column.partition(".")[0]), context),
            (column,),
        )
        if column not in raw.columns:
            source = languages.source_in_words(leaf, language)
            raise DataError(
                f"task {tables.called(task, leaf)}: {source}, split {piece.name}: has no "
                f"column `{column}` to take the labels from; it has {', '.join(raw.columns)}"
            )
        start, stop = piece.span(raw.table.num_rows)
        names |= labels.names_in(raw.table[column].slice(start, stop - start), column, raw)
    return names
