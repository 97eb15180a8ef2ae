"""What a transform did, kept beside the tokenised data: rows dropped by reason, words replaced.

    <cache>/transforms/facts/<key>/<language>.json    one for each training language

The key identifies the training rows and the transform, so facts about other rows are never shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.data.transforms.inputs import rows_key
from xstilts.store.inside import inside
from xstilts.store.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext
    from xstilts.spec.task import Task

DROPPED = "dropped: "
"""Prefix of the name of a count of dropped rows; the reason follows."""


def facts(task: Task, context: DataContext) -> dict[str, Any] | None:
    """What a task's transform did in all its training languages; None if it was not applied yet.

    `rows`: before; `rows_made`: after; `rows_chosen`: chosen to be transformed; `languages`: chosen
    rows by language; `dropped`: reason to rows; `counts`: words, words replaced, how answers were
    found.
    """
    if task.transform is None:
        return None
    found = [
        one
        for language in task.train_languages
        if (one := _read(_path(task, language, context))) is not None
    ]
    if not found:
        return None
    whole: dict[str, Any] = {
        name: sum(one[name] for one in found) for name in ("rows", "rows_made", "rows_chosen")
    }
    for name in ("languages", "dropped", "counts"):
        whole[name] = dict(sum((Counter(one[name]) for one in found), Counter()))
    return whole


def summary_line(task: Task, context: DataContext) -> str:
    """The facts in one line; empty if there are none yet."""
    found = facts(task, context)
    if found is None:
        return ""
    parts = [f"{task.name}: its transform made {found['rows_made']:,} rows from {found['rows']:,}"]
    lost = sum(found["dropped"].values())
    if lost:
        why = ", ".join(f"{reason} ({n:,})" for reason, n in found["dropped"].items())
        parts.append(f"{lost:,} were dropped: {why}")
    words, replaced = found["counts"].get("words"), found["counts"].get("words replaced", 0)
    if words:
        parts.append(f"{100 * replaced / words:.0f}% of the words are replaced")
    return "; ".join(parts)


def write(
    task: Task,
    language: str,
    context: DataContext,
    rows: int,
    made: int,
    assigned: Sequence[str | None],
    tally: Mapping[str, int],
) -> None:
    """Keeps what became of the rows of one training language."""
    dropped = {
        name.removeprefix(DROPPED): n for name, n in tally.items() if name.startswith(DROPPED)
    }
    counts = {name: n for name, n in tally.items() if not name.startswith(DROPPED)}
    chosen = Counter(to for to in assigned if to is not None)
    note = {
        "rows": rows,
        "rows_made": made,
        "rows_chosen": chosen.total(),
        "languages": chosen,
        "dropped": dropped,
        "counts": counts,
    }
    write_sealed(_path(task, language, context), note)


def reasons(tally: Mapping[str, int]) -> str:
    """The reasons why rows were dropped, with the number of rows."""
    return ", ".join(
        f"{name.removeprefix(DROPPED)} ({n})"
        for name, n in tally.items()
        if name.startswith(DROPPED)
    )


def _path(task: Task, language: str, context: DataContext) -> Path:
    # Label names may have been filled in since; they do not affect the texts.
    key = rows_key(_unlabelled(task), "train", (language,), context)
    return inside(context.cache, f"transforms/facts/{key}/{language}.json")


def _unlabelled(task: Task) -> Task:
    return task.model_copy(
        update={"labels": (), "parts": tuple(_unlabelled(part) for part in task.parts)}
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        note = read_sealed(path)
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None
