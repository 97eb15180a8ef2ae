"""All doubts about a plan's numbers: those of the rows of each use, of labels over several uses,
and of the tasks' own fields. The same doubt in several languages is told once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from xstilts.checks.audit import classes, task_sense
from xstilts.planning import Plan
from xstilts.planning.filling import trained_tasks
from xstilts.store.doubts import Doubt

if TYPE_CHECKING:
    from xstilts.data.looked import Facts
    from xstilts.sources.context import DataContext

_VARIES = re.compile(r"`[^`]*`|\d[\d,.]*")
"""Parts of a sentence that differ between languages: counts, and what stands in backticks."""
_SHOWN = 12


def doubts(plan: Plan, facts: list[Facts], context: DataContext) -> list[Doubt]:
    """Every doubt, once; DataError if a source can't be read."""
    sweep = plan.sweep
    trained = [sweep.task(name) for name in trained_tasks(plan)]
    scored = [sweep.task(name) for name in sweep.targets]
    found = [*of_rows(facts), *classes.doubts(facts, {task.name: task for task in sweep.tasks})]
    for task in trained:
        found += task_sense.chosen_by_training_rows(task, context)
    for task in (*trained, *scored):
        found += task_sense.positive(task)
        found += task_sense.tags(task)
    return list(dict.fromkeys(found))


def of_rows(facts: Iterable[Facts]) -> Iterator[Doubt]:
    """The doubts about rows, those that differ only in language and numbers together."""
    alike: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for one in facts:
        for text in one.doubts:
            key = (one.task, one.use, _VARIES.sub("#", text))
            alike.setdefault(key, []).append((one.language, text))
    for (task, use, _), found in alike.items():
        languages, texts = zip(*found, strict=True)
        if len(set(texts)) == 1:
            where, also = _listed(languages), ""
        else:
            where, also = languages[0], f" [also in {_listed(languages[1:])}]"
        yield Doubt(task=task, message=f"({use}, {where}) {texts[0]}{also}")


def left_out(facts: Iterable[Facts]) -> Iterator[Doubt]:
    """Rows that are neither trained nor scored, with the reason and the number of those that are,
    over all languages.
    """
    counts: dict[tuple[str, str, str], int] = {}
    rows: dict[tuple[str, str], int] = {}
    for one in facts:
        rows[one.task, one.use] = rows.get((one.task, one.use), 0) + one.rows
        for reason, number in one.left_out.items():
            key = (one.task, one.use, reason)
            counts[key] = counts.get(key, 0) + number
    for (task, use, reason), number in counts.items():
        message = f"({use}) left out: {number:,} {reason}; {rows[task, use]:,} rows are used"
        yield Doubt(task=task, message=message)


def _listed(languages: tuple[str, ...]) -> str:
    more = f" and {len(languages) - _SHOWN} more" if len(languages) > _SHOWN else ""
    return ", ".join(languages[:_SHOWN]) + more
