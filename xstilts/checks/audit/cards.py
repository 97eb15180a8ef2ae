"""What each dataset should be: its card, and how the data at hand compares with it.

A card (`tasks/card.py`) says how many rows each *split of the source* has (so that a task which
cuts `validation[:80%]` is still held to the whole split), which labels, and how long a row is. The
numbers stand in `tasks/cards.py`, each with its source.

A difference is told, never refused: a mirror that holds a part of a dataset is as good as what it
holds. A card speaks only of a task whose source is still the built-in one; data of the user's own
has no card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from xstilts.spec import splits
from xstilts.spec.task import Action, Task, Use
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
    """`note` where the card itself is unverified, or the difference is the user's own choice."""


def rows(task: Task, use: Use) -> int | None:
    """Rows of a use over all its languages, by the cards, cuts and limits alone; None where no card
    tells.

    A union is the sum of its parts. A limit stands in where there is no card: it is an upper bound.
    """
    spoken = dict.fromkeys(one for leaf in task.leaves for one in leaf.languages_of(use))
    known = [count for one in spoken if (count := _of_language(task, use, one)) is not None]
    return sum(known) if len(known) == len(spoken) else None


def _of_language(task: Task, use: Use, language: str) -> int | None:
    """Rows of one language; a union's limit holds for all its parts together, and what a transform
    adds is counted.
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
    """Where the data that an action reads differs from its cards; DataError where it cannot be
    read.
    """
    found = []
    for leaf in task.leaves:
        card = card_of(leaf)
        if card is not None:
            found += [*_counts(leaf, card, action, context), *_labels(leaf, card, action, context)]
            found += [*_languages(leaf, action), *_hashes(leaf, card, action, context)]
    return found


def _splits(task: Task, action: Action) -> Iterator[tuple[str, str]]:
    """`(split of the source, language)` of all that an action reads, each once."""
    seen = set()
    for use in filter(task.has, task.uses(action)):
        for name in splits.names(getattr(task.splits, use)):
            for language in task.languages_of(use):
                if (name, language) not in seen:
                    seen.add((name, language))
                    yield name, language


def _counts(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    """Whole splits of another size; languages that differ in the same way are told together."""
    from xstilts.data.reading import sources

    told: dict[tuple[str, str, str, str], list[str]] = {}
    for name, language in _splits(task, action):
        expected = card.rows.get(name)
        if expected is None:
            continue
        (low, high), count = (
            expected.expected(language),
            sources.count(task, name, language, context),
        )
        if not low <= count <= high:
            told.setdefault((name, f"{count:,}", words(low, high, 1), expected.source), []).append(
                language
            )
    for (name, has, wanted, source), languages in told.items():
        message = (
            f"{name} has {has} rows in {', '.join(languages)}; its card says {wanted} ({source})"
        )
        yield Finding(
            task=task.name, message=message, severity="note" if source == "memory" else "warn"
        )


def _labels(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    """A label table other than the card's; labels of the table that the whole training split never
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
    from xstilts.data import task_data

    plain = task.model_copy(update={"transform": None})
    values = task_data.rows(plain, "train", None, context).data.table[task.label_role]
    there = _distinct(values)
    absent = [name for i, name in enumerate(task.labels) if i not in there and name != UNSEEN]
    if absent:
        shown = ", ".join(absent[:8]) + (f" and {len(absent) - 8} more" if len(absent) > 8 else "")
        yield Finding(task=task.name, message=f"no training row has the label {shown}")


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
    missing = [language for language in whole if language not in task.languages]
    if missing:
        message = (
            f"scored in {len(whole) - len(missing)} of its {len(whole)} languages; without "
            f"{', '.join(missing)}"
        )
        yield Finding(task=task.name, message=message, severity="note")


def _hashes(task: Task, card: Card, action: Action, context: DataContext) -> Iterator[Finding]:
    from xstilts.data.reading import sources

    for name, language in _splits(task, action) if card.content else ():
        wanted = card.content.get(f"{name}/{language}")
        if wanted and sources.content(task, name, language, context) != wanted:
            message = f"{name} in {language} holds other bytes than its card says"
            yield Finding(task=task.name, message=message)


def expected(task: Task, use: Use) -> str:
    """What a card says of the whole splits behind a use, in words: `392,702`, `47 to 20,436 each`,
    or nothing.
    """
    said: list[str] = []
    card = card_of(task)
    for name in splits.names(getattr(task.splits, use)):
        known = card.rows.get(name) if card else None
        if known is None:
            return ""
        spans = [known.expected(language) for language in task.languages_of(use)]
        said.append(words(min(low for low, _ in spans), max(high for _, high in spans), len(spans)))
    return " + ".join(said)


def words(low: int, high: int, languages: int) -> str:
    """`392,702`, or `5,010 each` of several languages, or `47 to 20,436 each`."""
    each = " each" if languages > 1 else ""
    return f"{low:,}{each}" if low == high else f"{low:,} to {high:,}{each}"
