"""A folder in XTREME's submission format, made from stored predictions.

    xnli/test-de.tsv      a label a line (entailment, ...)
    pawsx/test-de.tsv     a label a line (0, 1)
    udpos/test-de.tsv     a tag a line, a blank line after each sentence; panx/ likewise
    xquad/test-de.json    {question id: answer}; mlqa/ and tydiqa/ likewise
    bucc2018/test-de.tsv  `id TAB English id` a line
    tatoeba/test-de.tsv   for each English sentence the number of its foreign one, from 0
    notes.txt             what it was made from, and every warning

Names, contents and the two-letter codes are those that `evaluate.py` of google-research/xtreme
reads. A file has one line (or question) for each row that was scored, in the order of the rows.
Whether the leaderboard's copy has the same rows in the same order can't be known from here;
docs/analysis.md says what is known of each task. Everything that is missing gives a warning;
nothing is made up to fill a gap.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xstilts.errors import InputError, StoreError
from xstilts.results.benchmarks import XTREME
from xstilts.results.headline import chosen_on_dev, development
from xstilts.results.scores import is_final_score, table_of
from xstilts.results.unreadable import NOT_READABLE, Unreadable, lost, unreadable
from xstilts.spec.languages import alias
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.spec.task import Task
from xstilts.store.inside import inside
from xstilts.store.ledger import Entry
from xstilts.store.local_files import write_bytes
from xstilts.store.phases import Phase, Store
from xstilts.store.reading import ReadStore
from xstilts.store.sweeps import read_sweep

if TYPE_CHECKING:
    import pandas as pd

    from xstilts.sources.context import DataContext

BEST = "best"
"""Stands for an intermediate: for each target the one chosen on English development scores."""
FOLDERS: Mapping[str, str] = {**{name: name for name in XTREME.tasks}, "bucc": "bucc2018"}
"""Task to folder."""
LABELS: Mapping[str, tuple[str, ...]] = {
    "xnli": ("entailment", "neutral", "contradiction"),
    "pawsx": ("0", "1"),
}
ROWS: Mapping[str, int] = {"xnli": 5_010, "pawsx": 2_000, "xquad": 1_190}
"""Number of test rows in every language, for tasks where it is the same in all."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """The files, by path, and warnings about them."""

    files: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)
    """Task to intermediate."""


def write(
    store: Store,
    folder: Path,
    *,
    model: str,
    intermediate: str,
    seed: int,
    out: Path,
    context: DataContext | None = None,
) -> list[Path]:
    """Writes the submission of one system into `out`, and returns its files; the last is
    `notes.txt`.

    `folder`: the sweep's; `intermediate` may be `best`. With `context` the rows of Tatoeba are read
    again, so that its lines can be put into XTREME's order. InputError where the sweep has no such
    system; StoreError where nothing has been run or `out` can't be written.
    """
    submission = prepare(
        store, folder, model=model, intermediate=intermediate, seed=seed, context=context
    )
    submission.warnings.extend(_others(out, submission.files))
    chosen = "".join(f"  {task}: {label}\n" for task, label in submission.choices.items())
    warnings = "".join(f"- {one}\n" for one in submission.warnings) or "none\n"
    notes = (
        f"model: {model}\nseed: {seed}\nintermediate of each task:\n{chosen}\nWarnings:\n{warnings}"
    )
    files = {**submission.files, "notes.txt": notes.encode()}
    for name, content in files.items():
        write_bytes(inside(out, name), content)
    return [out / name for name in files]


def _others(out: Path, files: Mapping[str, bytes]) -> list[str]:
    """A warning about files of an earlier submission in `out` that this one does not overwrite."""
    there = {
        f"{path.parent.name}/{path.name}"
        for name in FOLDERS.values()
        for path in (out / name).glob("test-*")
    }
    left = sorted(there - {*files})
    if not left:
        return []
    shown = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
    return [f"{len(left)} files were there before and are of another system; remove them: {shown}"]


def prepare(
    store: Store,
    folder: Path,
    *,
    model: str,
    intermediate: str,
    seed: int,
    context: DataContext | None = None,
) -> Submission:
    """The files of a submission and its warnings; see `write`."""
    store = ReadStore.of(store)
    sweep, entries = read_sweep(folder), store.ledger(folder).entries()
    table = table_of(store, sweep, entries)
    choices = _choices(store, sweep, table, model, intermediate, seed)
    found = unreadable(store, store.damages, entries)
    unsure = _unsure(sweep, entries, found, model) if intermediate == BEST else set()
    submission = Submission(choices=choices, warnings=list(map(str, found)))
    for name in XTREME.tasks:
        if name in unsure:
            choices.pop(name, None)
            submission.warnings.append(
                f"{name}: no intermediate is chosen, since scores that the choice rests on are "
                f"{NOT_READABLE}"
            )
        elif name not in sweep.targets:
            submission.warnings.append(
                f"{name}: not a target of this sweep; the benchmark's average needs all nine"
            )
        elif name not in choices:
            submission.warnings.append(
                f"{name}: no intermediate has been evaluated, or no development score to "
                "choose one by"
            )
        else:
            own = table[
                (table["model"] == model)
                & (table["intermediate"] == choices[name])
                & (table["seed"] == seed)
            ]
            unread = seed in lost(table.attrs["unreadable"]).get((model, choices[name], name), ())
            rows = own[own["target"] == name]
            _add(submission, store, sweep.task(name), rows, context, unread=unread)
    return submission


def _unsure(
    sweep: Sweep, entries: Sequence[Entry], found: Sequence[Unreadable], model: str
) -> set[str]:
    """Targets whose best intermediate rests on a record that can't be read. One that is not trained
    is chosen for by the development scores of all others.
    """
    damaged = {one.phase for one in found if one.part == "record"}
    named = {
        entry.target
        for entry in entries
        if is_final_score(entry)
        and entry.model == model
        and damaged.intersection((entry.phase, entry.train_phase))
    }
    untrained = {name for name in sweep.targets if not sweep.task(name).trainable}
    return named | (untrained if named else set())


def _choices(
    store: Store, sweep: Sweep, table: pd.DataFrame, model: str, intermediate: str, seed: int
) -> dict[str, str]:
    targets = [name for name in XTREME.tasks if name in sweep.targets]
    unread = lost(table.attrs["unreadable"])
    for what, value, known in (
        ("model", model, list(dict.fromkeys([*table["model"], *(one for one, _, _ in unread)]))),
        ("seed", seed, list(sweep.seeds)),
        (
            "intermediate",
            intermediate,
            [BEST, *dict.fromkeys([*table["intermediate"], *(one for _, one, _ in unread)])],
        ),
    ):
        if value not in known:
            names = ", ".join(map(str, known)) or "nothing: no evaluation has finished"
            raise InputError(
                f"{what} is {value!r}; must be one that sweep {sweep.name} has evaluated: {names}"
            )
    if not targets:
        raise InputError(
            f"sweep {sweep.name} has no task of XTREME among its targets: "
            f"{', '.join(sweep.targets)}"
        )
    if intermediate != BEST:
        return dict.fromkeys(targets, intermediate)
    chosen = chosen_on_dev(sweep, table, model, development(store, table).get(model, {}))
    return {name: chosen[name] for name in targets if name in chosen}


def _add(
    submission: Submission,
    store: Store,
    task: Task,
    rows: pd.DataFrame,
    context: DataContext | None,
    *,
    unread: bool,
) -> None:
    """Adds the files of one task, and warnings about them. `unread`: whether its scores can't be
    read.
    """
    label = submission.choices[task.name]
    if rows.empty:
        before = "the base model" if label == BASELINE else label
        why = f"is {NOT_READABLE}" if unread else "has not been evaluated with this seed"
        submission.warnings.append(f"{task.name}: {before} {why}")
        return
    suffix = "json" if task.format == "span_qa" else "tsv"
    done = []
    names = _official(submission, task)
    for language, phase in dict(zip(rows["language"], rows["phase"], strict=True)).items():
        if str(language) not in names:
            continue
        try:
            columns = _read(store.phase(str(phase)), str(language))
        except (StoreError, OSError, ValueError, KeyError) as error:
            submission.warnings.append(
                f"{task.name}, {language}: its predictions can't be read ({error})"
            )
            continue
        order = _order(submission, task, str(language), columns, context)
        official = names[str(language)]
        submission.files[f"{FOLDERS[task.name]}/test-{official}.{suffix}"] = text(
            task, columns, order
        ).encode()
        submission.warnings.extend(
            f"{task.name}, {language}: {what}" for what in _wrong_rows(task, columns)
        )
        done.append(official)
    submission.warnings.extend(_missing(task, done))


def _official(submission: Submission, task: Task) -> dict[str, str]:
    """The task's words for languages to XTREME's codes, each of which gets one file; a warning
    about words that get none.
    """
    from xstilts.tasks import TASKS

    names: dict[str, str] = {}
    codes = TASKS[task.name].languages
    for language in sorted(task.languages, key=lambda word: word not in codes):
        official = alias(language, codes)
        if official is None:
            submission.warnings.append(f"{task.name}, {language}: no language of the benchmark")
        elif official in names.values():
            submission.warnings.append(
                f"{task.name}, {language}: left out, since it is {official} under another name"
            )
        else:
            names[language] = official
    return names


def _read(phase: Phase, language: str) -> dict[str, list[str]]:
    found = phase.predictions(language, ["id", "prediction"])
    return {
        name: [str(value) for value in found[name].to_pylist()] for name in ("id", "prediction")
    }


def text(
    task: Task, columns: Mapping[str, Sequence[str]], order: Sequence[int] | None = None
) -> str:
    """The file of one language from the columns `id` and `prediction`, with the rows in `order`."""
    pairs = list(zip(columns["id"], columns["prediction"], strict=True))
    if order is not None:
        pairs = [pairs[i] for i in order]
    if task.format == "span_qa":
        return json.dumps(dict(pairs))
    if task.format == "tagging":
        return "".join("".join(f"{tag}\n" for tag in json.loads(tags)) + "\n" for _, tags in pairs)
    if task.format == "mining":
        return "".join(
            "\t".join(one.split("|", 1)) + "\n" for one, predicted in pairs if predicted == "yes"
        )
    return "".join(f"{prediction}\n" for _, prediction in pairs)


def _order(
    submission: Submission,
    task: Task,
    language: str,
    columns: Mapping[str, Sequence[str]],
    context: DataContext | None,
) -> list[int] | None:
    """The order of Tatoeba's lines in XTREME's copy, whose English sentences are sorted; None for
    every other task.

    The foreign sentences keep their order there, so the predicted numbers stay the same.
    """
    if task.format != "retrieval":
        return None
    english = None if context is None else _english(task, language, context)
    if english is None or len(english) != len(columns["id"]):
        what = (
            "lines are in the order of the data, since that can't be read to sort them; "
            "XTREME's English side is sorted"
        )
        submission.warnings.append(f"{task.name}, {language}: {what}")
        return None
    return sorted(range(len(english)), key=lambda row: english[row])


def _english(task: Task, language: str, context: DataContext) -> list[str] | None:
    from xstilts.data import task_data

    try:
        found: Any = task_data.rows(task, "test", language, context)["target_sentence"]
    except InputError:
        return None
    return [str(sentence).strip() for sentence in found]


def _wrong_rows(task: Task, columns: Mapping[str, Sequence[str]]) -> list[str]:
    """What is certainly wrong with the rows of one language."""
    found = []
    expected, rows = ROWS.get(task.name), len(columns["id"])
    if expected is not None and rows != expected:
        found.append(f"{rows:,} of {expected:,} rows")
    strange = sorted({*columns["prediction"]} - {*LABELS.get(task.name, columns["prediction"])})
    if strange:
        found.append(f"labels are {', '.join(strange[:3])}, not {', '.join(LABELS[task.name])}")
    if task.format == "mining" and all(
        part.isdigit() for one in columns["id"] for part in one.split("|")
    ):
        found.append("sentences have row numbers instead of BUCC's ids, which the scorer compares")
    if task.format == "span_qa" and len({*columns["id"]}) != rows:
        found.append("question ids occur twice")
    return found


def _missing(task: Task, done: Sequence[str]) -> list[str]:
    """Languages of the benchmark without a file, and rows that the sweep left out."""
    from xstilts.tasks import TASKS

    found = []
    lost = [language for language in TASKS[task.name].languages if language not in done]
    if lost:
        found.append(f"{task.name}: no file for {len(lost)} languages: {', '.join(lost)}")
    if task.limits.test is not None:
        found.append(
            f"{task.name}: the sweep scores at most {task.limits.test:,} rows of a language; "
            "the scorer needs all"
        )
    if task.splits.test != TASKS[task.name].splits.test:
        found.append(
            f"{task.name}: scored on {task.splits.test} instead of {TASKS[task.name].splits.test}"
        )
    return found
