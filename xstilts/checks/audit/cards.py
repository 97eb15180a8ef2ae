"""Compares data with its card, which says what a built-in dataset should contain.

A card (`tasks/card.py`) says how many rows each *split of the source* has (so a task that cuts
`validation[:80%]` is still compared with the whole split), which labels, and how long a row is. The
numbers are in `tasks/cards.py`, each with its source.

A difference is reported and never an error: a mirror may well hold only part of a dataset. A card
applies only to a task that still has its built-in source; the user's own data has no card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xstilts.spec import splits
from xstilts.spec.languages import alias
from xstilts.spec.task import Action, Task, Use
from xstilts.store.kept import kept, names
from xstilts.tasks.card import Card
from xstilts.tasks.cards import card_of

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference between data and card."""

    task: str
    message: str
    severity: Literal["warn", "note"] = "warn"
    """`note` if the card itself is unverified, or the difference is the user's choice."""


def rows(task: Task, use: Use) -> int | None:
    """Rows of a use over all its languages, from cards, cuts and limits alone; None where no card
    says.

    A union is the sum of its parts. Without a card the limit is taken, as an upper bound.
    """
    languages = dict.fromkeys(one for leaf in task.leaves for one in leaf.languages_of(use))
    known = [count for one in languages if (count := _of_language(task, use, one)) is not None]
    return sum(known) if len(known) == len(languages) else None


def _of_language(task: Task, use: Use, language: str) -> int | None:
    """Rows of one language. A union's limit is for all its parts together; rows that a transform
    adds are counted.
    """
    counts = [
        _rows(leaf, use, language) for leaf in task.leaves if language in leaf.languages_of(use)
    ]
    known = [count for count in counts if count is not None]
    limit = getattr(task.limits, use)
    if len(known) < len(counts) and (limit is None or not task.parts):
        return None
    total = sum(known) if len(known) == len(counts) else limit
    total = min(total, limit) if limit else total
    if use != "train" or task.transform is None:
        return total
    from xstilts.data import transforms

    return transforms.expected_rows(total, task)


def _rows(task: Task, use: Use, language: str) -> int | None:
    limit, expression = getattr(task.limits, use), getattr(task.splits, use)
    if expression is None:
        return None
    total = 0
    for piece in splits.parse(expression):
        whole = _whole(task, piece.name, language)
        if whole is None:
            return int(limit) if limit else None
        start, stop = piece.span(whole)
        total += stop - start
    return min(total, limit) if limit else total


def _whole(task: Task, split: str, language: str) -> int | None:
    if task.source.generator is not None:
        from xstilts.tasks.generator import SIZES

        return SIZES.get(task.source.generator, {}).get(split)
    card = card_of(task)
    known = card.rows.get(split) if card else None
    return known.estimate(language) if known else None


# -- the data at hand


def compare(task: Task, action: Action, context: DataContext) -> list[Finding]:
    """Where the data that an action reads differs from its cards; DataError if it can't be read."""
    found = []
    for leaf in task.leaves:
        card = card_of(leaf)
        if card is not None:
            found += [*_counts(leaf, card, action, context), *_labels(leaf, card, action, context)]
            found += [*_languages(leaf, action), *_hashes(leaf, card, action, context)]
    return found


def _splits(task: Task, action: Action) -> Iterator[tuple[str, str]]:
    """Each `(split of the source, language)` that an action reads, once."""
    seen = set()
    for use in filter(task.has, task.uses(action)):
        for name in splits.names(getattr(task.splits, use)):
            for language in task.languages_of(use):
                if (name, language) not in seen:
                    seen.add((name, language))
                    yield name, language


def _counts(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    """Whole splits of another size; languages that differ in the same way are one finding."""
    from xstilts.data.reading import sources

    different: dict[tuple[str, str, str, str], list[str]] = {}
    for name, language in _splits(task, action):
        expected = card.rows.get(name)
        if expected is None:
            continue
        (low, high), count = (
            expected.expected(language),
            sources.count(task, name, language, context),
        )
        if not low <= count <= high:
            different.setdefault(
                (name, f"{count:,}", words(low, high, 1), expected.source), []
            ).append(language)
    for (name, has, wanted, source), languages in different.items():
        message = (
            f"{name} has {has} rows in {', '.join(languages)}; its card says {wanted} ({source})"
        )
        yield Finding(
            task=task.name, message=message, severity="note" if source == "memory" else "warn"
        )


def _labels(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    """A label table that differs from the card's, and labels that no row of a whole training split
    has.
    """
    from xstilts.spec.task import UNSEEN

    names = [name for name in task.labels if name != UNSEEN]
    if card.labels and names and set(card.labels) != set(names):
        said = f"labels are {', '.join(task.labels)}; its card says {', '.join(card.labels)}"
        yield Finding(task=task.name, message=said)
    if (
        action != "train"
        or task.label_role is None
        or not task.spec.labelled
        or task.limits.train
        or "[" in (task.splits.train or "[")
    ):
        return
    absent = [name for name in _absent_labels(task, context) if name != UNSEEN]
    if absent:
        shown = ", ".join(absent[:8]) + (f" and {len(absent) - 8} more" if len(absent) > 8 else "")
        yield Finding(task=task.name, message=f"no training row has the label {shown}")


def _absent_labels(task: Task, context: DataContext) -> list[str]:
    """Labels that no training row has; the rows are read for it once."""
    from xstilts.data import task_data
    from xstilts.data.reading import tables

    def find() -> list[str]:
        plain = task.model_copy(update={"transform": None})
        values = task_data.rows(plain, "train", None, context).data.table[task.label_role]
        there = _distinct(values)
        return [name for i, name in enumerate(task.labels) if i not in there]

    what = tables.key(task, "train", task.languages_of("train"), context, transform=None)
    return kept(Path(context.cache) / "absent-labels", what, find, names)


def _distinct(column: Any) -> set[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    return set(pc.unique(flat).to_pylist())


def _languages(task: Task, action: Action) -> Iterator[Finding]:
    from xstilts.tasks import TASKS

    if action != "evaluate" or task.name not in TASKS:
        return
    whole = TASKS[task.name].languages
    missing = [language for language in whole if alias(language, task.languages) is None]
    if missing:
        message = (
            f"scored in {len(whole) - len(missing)} of its {len(whole)} languages; without "
            f"{', '.join(missing)}"
        )
        yield Finding(task=task.name, message=message, severity="note")


def _hashes(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    from xstilts.data.reading import sources

    for name, language in _splits(task, action) if card.content else ():
        of_split = [key for key in card.content if key.startswith(f"{name}/")]
        own = alias(language, (key.removeprefix(f"{name}/") for key in of_split))
        wanted = card.content.get(f"{name}/{own}")
        if wanted and sources.content(task, name, language, context) != wanted:
            message = f"{name} in {language} has other bytes than its card says"
            yield Finding(task=task.name, message=message)


def expected(task: Task, use: Use) -> str:
    """Rows of the whole splits behind a use by the card, in words: `392,702`, `47 to 20,436 each`;
    empty without a card.
    """
    counts: list[str] = []
    card = card_of(task)
    for name in splits.names(getattr(task.splits, use)):
        known = card.rows.get(name) if card else None
        if known is None:
            return ""
        spans = [known.expected(language) for language in task.languages_of(use)]
        counts.append(
            words(min(low for low, _ in spans), max(high for _, high in spans), len(spans))
        )
    return " + ".join(counts)


def words(low: int, high: int, languages: int) -> str:
    """`392,702`; for several languages `5,010 each` or `47 to 20,436 each`."""
    each = " each" if languages > 1 else ""
    return f"{low:,}{each}" if low == high else f"{low:,} to {high:,}{each}"
