"""Records to one tidy table: a row for each score.

A row is one number: (sweep, model, intermediate, target, seed, language, split, metric) and its
value in percent. The table is made from the ledger, which says which evaluation belongs to which
pair, and from the records of those evaluations; MLflow is never read. Further columns help to judge
a number: how many examples it rests on, whether it is the task's primary metric, whether the
language is zero-shot (the target was not trained on it) and seen (the base model was pretrained on
it; empty where that is unknown), both by what the language is and not by its name
(`spec/languages.py`), whether the intermediate trained on the target's own training
data, and the gain over the baseline `none` of the same seed.

A phase with damaged files loses only its own rows; `problems(table)` says which and why, and
`table.attrs["unreadable"]` the same for scripts (`unreadable.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import StoreError
from xstilts.planning import make_plan
from xstilts.results.lineage import Lineage
from xstilts.results.unreadable import plain, unreadable
from xstilts.scoring.gains import gain
from xstilts.scoring.metrics import METRICS
from xstilts.spec import languages
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.spec.task import Task
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.reading import Damage, ReadStore
from xstilts.store.results import EvaluationResult
from xstilts.store.sweeps import read_sweep

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "sweep": "str",
    "model": "str",
    "intermediate": "str",
    "target": "str",
    "seed": "int64",
    "role": "str",
    "task": "str",
    "language": "str",
    "split": "str",
    "metric": "str",
    "value": "float64",
    "n": "int64",
    "primary": "bool",
    "seen": "boolean",
    "zero_shot": "bool",
    "same_data": "bool",
    "phase": "str",
    "train_phase": "str",
    "intermediate_phase": "str",
    "gain": "float64",
}
"""Column to pandas type."""
PAIR_KEYS = ["sweep", "model", "target", "seed", "language", "split", "metric"]
"""Columns in which a score and its baseline agree."""
_METRICS = tuple(METRICS)


def table(store: Store, folder: Path) -> pd.DataFrame:
    """The scores of the sweep in `folder`; StoreError where no run has begun.

    Only final evaluations are in it: those of the chosen configurations, one for each seed.
    `problems(table)` lists what could not be read.
    """
    reading = ReadStore.of(store)
    return table_of(reading, read_sweep(folder), reading.ledger(folder).entries())


def table_of(store: Store, sweep: Sweep, entries: Iterable[Entry]) -> pd.DataFrame:
    """`table`, of a sweep and its ledger's entries that have been read."""
    import pandas as pd

    entries, reading = _in_order(sweep, entries), ReadStore.of(store)
    reader = _Reader(reading, sweep)
    rows = [row for entry in entries if is_final_score(entry) for row in reader.rows(entry)]
    frame = _with_gain(pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "gain"]))
    frame = frame.astype(COLUMNS)[list(COLUMNS)]
    found = unreadable(reading, reading.damages, entries)
    frame.attrs["problems"] = [str(one) for one in found]
    frame.attrs["unreadable"] = [one.to_json() for one in found]
    return frame


def _in_order(sweep: Sweep, entries: Iterable[Entry]) -> list[Entry]:
    """Entries in the order of the plan: the ledger has them in the order in which they were run,
    which depends on times. Those of another plan come last, as they are.
    """
    place = {slot.key: number for number, slot in enumerate(make_plan(sweep).slots)}
    return sorted(entries, key=lambda entry: place.get(entry.slot, len(place)))


def problems(frame: pd.DataFrame) -> list[str]:
    """What could not be read for this table, a sentence each."""
    return list(frame.attrs.get("problems", ()))


def mean_over_languages(rows: pd.DataFrame, keys: list[str], repeated: str) -> pd.Series:
    """The unweighted mean over languages of `value` for each `keys`, then over what `repeated`
    tells apart (the seed, or the phase).
    """
    by_language = rows.groupby([*keys, repeated], sort=False)["value"].mean()
    means: pd.Series = by_language.groupby(keys, sort=False).mean()
    return means


def is_final_score(entry: Entry) -> bool:
    """Whether this slot has one of a pair's final scores."""
    return entry.kind == "evaluate" and entry.role == "final" and entry.state.finished


def _with_gain(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds `gain`, over the baseline with the same keys; empty for the baseline itself."""
    base = frame.loc[frame["intermediate"] == BASELINE, [*PAIR_KEYS, "value"]]
    base = base.drop_duplicates(PAIR_KEYS).rename(columns={"value": "baseline"})
    joined = frame.merge(base, on=PAIR_KEYS, how="left")
    joined["gain"] = gain(joined["value"], joined["baseline"]).where(
        joined["intermediate"] != BASELINE
    )
    return joined.drop(columns="baseline")


class _Reader:
    """Reads evaluations; the store notes what is wrong with them."""

    def __init__(self, store: ReadStore, sweep: Sweep) -> None:
        self.store, self.sweep = store, sweep
        self.lineage = Lineage(store, sweep)

    def rows(self, entry: Entry) -> list[dict[str, Any]]:
        """The rows of one evaluation; none where it can't be read."""
        try:
            return self._rows(entry)
        except StoreError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            where = self.store.phase(entry.phase).where
            message = f"{where}: its record is odd ({plain(error, self.store)})"
            self.store.note(Damage(phase=entry.phase, part="record", message=message))
            return []

    def _rows(self, entry: Entry) -> list[dict[str, Any]]:
        record = self.store.phase(entry.phase).record()
        task = record.spec.members[0].task
        common = {
            "sweep": self.sweep.name,
            "model": entry.model,
            "intermediate": entry.intermediate or BASELINE,
            "target": entry.target,
            "seed": entry.seed,
            "role": entry.role,
            "phase": entry.phase,
            "train_phase": entry.train_phase,
            "intermediate_phase": entry.intermediate_phase,
            "same_data": self._same_data(entry),
        }
        listed = self.lineage.base_languages(entry.phase)
        return [{**common, **score} for score in _scores(record.evaluated, task, listed)]

    def _same_data(self, entry: Entry) -> bool:
        """Whether any stage of the intermediate trained on the target's own training data. Never
        where the target is not trained, and the intermediate's checkpoint is scored.
        """
        stages = entry.intermediate_phases
        return entry.train_phase not in stages and any(
            self.lineage.same_data(stage, entry.train_phase) for stage in stages
        )


def _scores(
    result: EvaluationResult, task: Task, listed: frozenset[str] | None
) -> Iterator[dict[str, Any]]:
    """A row for each language, in the task's order, and metric, in the order of `METRICS`.

    `listed`: the pretraining languages of the base model, if known.
    """
    trained = task.train_languages if task.trainable else ()
    for language in sorted(result.scores, key=task.languages.index):
        values = result.scores[language]
        for metric in sorted(values, key=_METRICS.index):
            yield {
                "task": task.name,
                "language": language,
                "split": "test",
                "metric": metric,
                "value": values[metric],
                "n": result.n[language],
                "primary": metric == task.metric,
                "seen": None if listed is None else languages.seen(listed, language),
                "zero_shot": not languages.trained_on(trained, language),
            }
