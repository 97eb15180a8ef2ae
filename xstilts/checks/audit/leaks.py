"""Leaks: evaluation rows that are also training rows, found before anything is trained.

For every target its reported rows are looked for, language by language, in the training rows of
each intermediate, of the pretraining, and of the target itself. Rows are compared by normalised
text: NFKC, lower case, one blank for each run of whitespace and punctuation. There are two kinds:

- **row**: the whole example, without its label. Question and context of span QA, both texts of a
  pair, context, question and choices (in any order) of multiple choice, the words of a sentence to
  be tagged, both sides of a translation. Compared between tasks of one format.
- **text**: only the row's longest part: the context of a question, the first text of a pair, a
  sentence, a line of raw text. The same paragraph under another question is an example, and weaker
  evidence. Compared between all tasks; texts of fewer than 12 characters are ignored, since they
  match by chance.

*Repeats* are reported as well: an intermediate with the target's own training rows (MNLI before
XNLI). A repeat is not a leak, but such a pair trains twice on the same rows.

Training rows are compared as they are in their source, before any transform: a translated
evaluation row is not found. Texts become 64-bit hashes (`fingerprints`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.checks.audit.fingerprints import Kind, fingerprints, identity
from xstilts.checks.audit.leak_report import Leak, LeakReport, Repeat
from xstilts.errors import DataError, first_line
from xstilts.planning import Plan
from xstilts.spec.sweep import Pretraining
from xstilts.spec.task import Task, Use
from xstilts.store.kept import kept

if TYPE_CHECKING:
    import pyarrow as pa

    from xstilts.sources.context import DataContext

VERSION = 1
"""Raised when the same rows give another report."""
REPEATED = 0.01
"""A repeat of a smaller share of the target's own training rows is not reported."""
CHANCE = 0.01
"""Single texts match by chance (`What are you doing?`): below this share of the evaluation rows a
leak is a note.
"""
EXAMPLES = 2
_SHOWN_CHARACTERS = 90


def find(plan: Plan, context: DataContext) -> LeakReport:
    """All leaks of a plan. Data that can't be read raises nothing and is named in `skipped`.

    The report is kept under the contents of all that was compared, unless something was skipped.
    """
    pairs = _pairs(plan)
    try:
        what = _identities(plan, pairs, context)
    except DataError:
        return _compared(plan, pairs, context)
    folder = Path(context.cache) / "leaks"
    return kept(
        folder,
        what,
        lambda: _compared(plan, pairs, context),
        LeakReport.of_json,
        written=LeakReport.to_json,
    )


def _pairs(plan: Plan) -> list[tuple[str, str, bool]]:
    """`(training task, target, whether it is the target's own)` of all that is compared."""
    sweep = plan.sweep
    before = dict.fromkeys(name for label in sweep.labels for name in sweep.members(label))
    before.update(
        dict.fromkeys(model.task for model in sweep.models if isinstance(model, Pretraining))
    )
    found = []
    for name in sweep.targets:
        own = _own(sweep.task(name))
        trained = dict.fromkeys([*before, *([own] if own else [])])
        found += [(training, name, training == own) for training in trained]
    return found


def _own(target: Task) -> str | None:
    """The task that a target is trained on."""
    return (target.train_task or target.name) if target.trainable else None


def _identities(plan: Plan, pairs: list[tuple[str, str, bool]], context: DataContext) -> list[Any]:
    """All that decides a report, as JSON values; DataError where something can't be read."""
    trained = dict.fromkeys([*(one[0] for one in pairs), *filter(None, map(_own, _targets(plan)))])
    training = [plan.sweep.task(name) for name in trained]
    of_training = [
        [task.name, task.transform is not None, identity(task, "train", None, context)]
        for task in training
    ]
    of_targets = [
        [task.name, task.columns, identity(task, "test", None, context)] for task in _targets(plan)
    ]
    return [VERSION, pairs, of_training, of_targets]


def _targets(plan: Plan) -> list[Task]:
    return [plan.sweep.task(name) for name in plan.sweep.targets]


def _compared(plan: Plan, pairs: list[tuple[str, str, bool]], context: DataContext) -> LeakReport:
    hashes = _Hashes(context)
    leaks: list[Leak] = []
    repeats: list[Repeat | None] = []
    compared = 0
    for training, name, is_own in pairs:
        target = plan.sweep.task(name)
        found = hashes.pair(plan.sweep.task(training), target, own=is_own)
        compared += found is not None
        leaks += found or []
        own = _own(target)
        if own is not None and not is_own:
            repeats.append(hashes.repeat(plan.sweep.task(training), plan.sweep.task(own), name))
    leaks.sort(key=lambda leak: (leak.severity == "note", leak.kind != "row", -leak.share))
    found_repeats = [repeat for repeat in repeats if repeat is not None]
    return LeakReport(
        leaks=leaks, repeats=found_repeats, pairs=compared, skipped=list(hashes.skipped)
    )


class _Hashes:
    """Hashes of the splits compared so far."""

    def __init__(self, context: DataContext) -> None:
        self.context = context
        self.skipped: dict[str, None] = {}
        self._hashes: dict[tuple[str, Use, str | None], dict[Kind, Any] | None] = {}
        self._sorted: dict[tuple[str, Kind], Any] = {}

    def pair(self, training: Task, target: Task, *, own: bool) -> list[Leak] | None:
        """Leaks of one pair; None if one of the two can't be read."""
        found: dict[Kind, dict[str, Any]] = {"row": {}, "text": {}}
        of: dict[str, int] = {}
        for language in target.languages:
            evaluated = self.hashes(target, "test", language)
            if self.hashes(training, "train", None) is None or evaluated is None:
                continue
            of[language] = len(evaluated["row"])
            hit = (
                self._in(evaluated["row"], training, "row")
                if _comparable(training, target)
                else None
            )
            weak = self._in(evaluated["text"], training, "text")
            found["row"][language] = hit if hit is not None else weak & False
            found["text"][language] = weak & ~found["row"][language]
        if not of:
            return None
        kinds: tuple[Kind, ...] = ("row", "text")
        leaks = (self._leak(training, target, kind, found[kind], of, own) for kind in kinds)
        return [leak for leak in leaks if leak is not None]

    def repeat(self, training: Task, own: Task, target: str) -> Repeat | None:
        """Training rows of `own`, the target's training task, that `training` has too; None below
        1%.
        """
        rows = self.hashes(own, "train", None) if _comparable(training, own) else None
        if rows is None or self.hashes(training, "train", None) is None:
            return None
        hits, of = int(self._in(rows["row"], training, "row").sum()), int((rows["row"] != 0).sum())
        if hits < max(1, REPEATED * of):
            return None
        return Repeat(
            training=training.name,
            target=target,
            own=own.name,
            rows=hits,
            of=of,
            transformed=training.transform is not None,
        )

    def _leak(
        self,
        training: Task,
        target: Task,
        kind: Kind,
        hits: Mapping[str, Any],
        of: Mapping[str, int],
        own: bool,
    ) -> Leak | None:
        rows = {language: int(hit.sum()) for language, hit in hits.items() if hit.any()}
        if not rows:
            return None
        worst = max(rows, key=lambda language: rows[language] / of[language])
        by_chance = (kind == "text" or _is_single(target)) and rows[worst] < CHANCE * of[worst]
        examples = _examples(
            target, worst, hits[worst].nonzero()[0][:EXAMPLES].tolist(), self.context
        )
        return Leak(
            training=training.name,
            target=target.name,
            kind=kind,
            rows=rows,
            of={one: of[one] for one in rows},
            own=own,
            severity="note" if by_chance else "warn",
            examples=examples,
        )

    def _in(self, evaluated: Any, training: Task, kind: Kind) -> Any:
        """Which evaluation rows (N,) share one of their hashes (N, k) with a training row."""
        import numpy as np

        if (training.name, kind) not in self._sorted:
            whole = self.hashes(training, "train", None)
            assert whole is not None
            self._sorted[training.name, kind] = np.unique(whole[kind])
        among = self._sorted[training.name, kind]
        if not len(among):
            return np.zeros(len(evaluated), bool)
        place = np.minimum(np.searchsorted(among, evaluated), len(among) - 1)
        return ((among[place] == evaluated) & (evaluated != 0)).any(axis=1)

    def hashes(self, task: Task, use: Use, language: str | None) -> dict[Kind, Any] | None:
        """Kind to the hashes (N, k) of a use's rows; None if they can't be read, with the reason in
        `skipped`.
        """
        key = (task.name, use, language)
        if key not in self._hashes:
            try:
                self._hashes[key] = fingerprints(task, use, language, self.context)
            except DataError as error:
                what = f"{task.name} ({use}{f', {language}' if language else ''})"
                self.skipped[f"{what}: {first_line(error)}"] = None
                self._hashes[key] = None
        return self._hashes[key]


def _is_single(task: Task) -> bool:
    """Whether a whole row is one text."""
    optional = task.spec.optional_roles
    return sum(role not in optional or role in task.columns for role in task.spec.row_roles) == 1


def _comparable(training: Task, target: Task) -> bool:
    """Whether whole rows of the two can be equal."""
    return training.spec.row_roles == target.spec.row_roles


def _examples(task: Task, language: str, rows: list[int], context: DataContext) -> tuple[str, ...]:
    from xstilts.data import task_data

    table = task_data.rows(task, "test", language, context).data.table
    return tuple(_short(parts) for parts in _shown(table, task, rows))


def _shown(table: pa.Table, task: Task, rows: list[int]) -> Iterator[list[str]]:
    roles = [role for role in task.spec.row_roles if role in table.column_names]
    for row in rows:
        values = [table[role][row].as_py() for role in roles]
        yield [" ".join(value) if isinstance(value, list) else value for value in values]


def _short(parts: list[str]) -> str:
    text = " / ".join(" ".join(part.split()) for part in parts if part)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
