"""A task's rows, looked at before anything is trained: what is wrong, left out, doubtful.

    <cache>/looked/<key>.json    what was found in the rows of one use in one language

Rows in which nothing is wrong are read once: what was found is kept under a hash of everything that
decides it. A problem is an error and is not kept. What is doubtful is no error: the rows can be
used, but a number that comes of them may mean something else than its reader thinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.data import transforms
from xstilts.data.doubts import doubts
from xstilts.data.label_tables import with_labels
from xstilts.data.reading import answers, labels, languages, tables, usable
from xstilts.data.reading.role_rows import RoleRows
from xstilts.data.transforms.inputs import rows_key
from xstilts.errors import DataError
from xstilts.sources.context import DataContext
from xstilts.spec.digests import digest
from xstilts.spec.task import Action, Task, Use
from xstilts.store.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    import pyarrow as pa

LOOK_VERSION = 4
"""Raised when rows that passed may fail now, or when other things are found in the same rows."""
TELLING_SHARE = 0.05
"""Share of training questions left out because their answer cannot be placed, and of rows left out
for a hidden label beside others with one, above which this is doubtful.
"""
_Finding = tuple[Use, str, str]
"""Use and language in which a problem was found, and the problem."""
_USES = " ({uses}): "
"""Stands for the uses that share a problem."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rows of one use in one language are."""

    task: str
    use: Use
    language: str
    rows: int
    """Rows that are trained or scored, before a transform."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why other rows of the split are not among them, to how many."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """Each label of the task's table to its rows, or for tags to its tokens; empty where rows have
    no label with a name.
    """
    doubts: tuple[str, ...] = ()
    """What cannot be right, though the rows can be used; a sentence each."""

    def to_json(self) -> dict[str, Any]:
        """As it is kept and printed."""
        return {**asdict(self), "doubts": list(self.doubts)}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Facts:
        """As it was kept; TypeError or KeyError where it is something else."""
        return cls(**{**values, "doubts": tuple(values["doubts"])})


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found in all rows that an action reads."""

    problems: list[str] = field(default_factory=list)
    """A message each. One that several uses or languages share is listed once, with their names."""
    facts: list[Facts] = field(default_factory=list)
    """One for each use and language in which nothing is wrong."""


def look(task: Task, action: Action, context: DataContext) -> Looked:
    """Looks at all rows of an action. A transform is not applied: its own `problems` say what it
    lacks.
    """
    try:
        task = with_labels(task, context)
    except DataError as error:
        return Looked(
            problems=[
                line if line.startswith("task ") else f"task {task.name}: {line}"
                for line in str(error).splitlines()
            ]
        )
    findings: dict[str, list[_Finding]] = {}
    facts = []
    for use in task.uses(action):
        for language in task.languages_of(use):
            problems, found = _look(task, use, language, context)
            facts += [found] if found else []
            for problem in problems:
                anywhere = _anywhere(problem, task, language).replace(f" ({use}): ", _USES, 1)
                findings.setdefault(anywhere, []).append((use, language, problem))
    told = [_message(places, shared) for shared, places in findings.items()]
    lacking = transforms.problems(task, context) if action == "train" else []
    return Looked(problems=[*told, *lacking], facts=facts)


def _look(
    task: Task, use: Use, language: str, context: DataContext
) -> tuple[list[str], Facts | None]:
    """What is wrong with the rows of a use in one language; or, where nothing is, what they are."""
    plain = task.model_copy(update={"transform": None})
    kept = _kept_file(plain, use, language, context)
    if kept is not None and (known := _known(kept)) is not None:
        return [], known
    try:
        read = tables.role_table(plain, use, language, context)
    except DataError as error:
        told = str(error).startswith("task ")
        return [str(error) if told else f"task {task.name} ({use}): {error}"], None
    if read.table is None:
        return list(read.problems), None
    problems = [
        f"task {task.name} ({use}, {language}): {text}" for text in _oddities(read.table, task)
    ]
    if problems:
        return problems, None
    beside = usable.beside(read.table, task, use)
    found = Facts(
        task=task.name,
        use=use,
        language=language,
        rows=read.table.num_rows - sum(beside.values()),
        left_out={**read.left_out, **beside},
        labels=labels.counts(read.table, task),
        doubts=(*_doubts_of_left_out(read), *doubts(read.table, task, use)),
    )
    if kept is not None:
        write_sealed(kept, found.to_json())
    return [], found


def _kept_file(task: Task, use: Use, language: str, context: DataContext) -> Path | None:
    """The file that keeps what was found; everything that decides it is hashed into its name. None
    if that can't be known.
    """
    rest = [
        task.name,
        use,
        language,
        task.metric,
        task.options.model_dump(mode="json"),
        [leaf.transform is not None for leaf in task.leaves],
    ]
    try:
        name = digest([LOOK_VERSION, rows_key(task, use, (language,), context), rest])
    except DataError:  # a file is missing; `_look` will say which
        return None
    return Path(context.cache) / "looked" / f"{name}.json"


def _known(path: Path) -> Facts | None:
    try:
        return Facts.of_json(read_sealed(path))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _oddities(table: pa.Table, task: Task) -> Iterator[str]:
    """Problems that only a slower look at each row can find."""
    if labels.none_known(table, task):
        shown = ", ".join(task.labels[:4])
        yield (
            f"none of its labels occurs in its training rows ({shown}, ...); both must use the "
            "same label names"
        )


def _doubts_of_left_out(read: RoleRows) -> Iterator[str]:
    """What may not be meant, of rows that were left out."""
    kept = 0 if read.table is None else read.table.num_rows
    none, lost = (read.left_out.get(why, 0) for why in (answers.UNANSWERED, answers.UNPLACED))
    hidden = read.left_out.get(usable.HIDDEN_LABEL, 0)
    if kept and hidden > TELLING_SHARE * (kept + hidden):
        yield (
            f"{hidden:,} of {kept + hidden:,} rows have the label -1, which means a hidden one, "
            "and are left out; if -1 is a class (as in -1, 0, 1), name it: "
            '`labels: ["-1", "0", "1"]`'
        )
    if none:
        yield (
            f"{none:,} of {kept + none + lost:,} questions have no answer and are left out, "
            "neither trained nor scored; if that is what a model is to find (as in SQuAD v2.0), "
            "set `options: {no_answer: true}`"
        )
    if lost > TELLING_SHARE * (kept + lost):
        yield (
            f"{lost:,} of {kept + lost:,} questions have an answer that does not stand in the "
            "context as it is written and are left out; look whether both were written, or "
            "translated, in the same way"
        )


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
