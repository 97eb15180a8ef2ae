"""The card of an exported checkpoint: where it comes from, what it scores, how it is used.

The head of the card is the hub's metadata (languages, base model, datasets, scores as a
`model-index`), the rest is Markdown. Everything in it comes from records and stored predictions. An
interval is that of the bootstrap over test examples, 2.5 to 97.5%; languages with the same examples
share the draws, so the mean's interval is of the same draws. It says nothing of other seeds: those
are in the sweep's report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xstilts.formats.exporting import Exported
from xstilts.results.pairs import Pair
from xstilts.results.rendering import render
from xstilts.results.resampled import Predictions
from xstilts.results.scores import problems as unread, table_of
from xstilts.scoring.metrics import METRICS
from xstilts.spec.described import rates, transforms
from xstilts.spec.languages import is_known, resolve
from xstilts.spec.phase import ModelParent, PhaseSpec
from xstilts.spec.stages import stage_names
from xstilts.spec.sweep import BASELINE, Sweep
from xstilts.spec.task import Task
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.version import __version__

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 2000
_HUB_LANGUAGE = re.compile("[a-z]{2}|(?!q[a-t])[a-z]{3}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score of one language, or the mean over all of them, in percent."""

    language: str
    value: float
    low: float
    """Of the 95% interval; NaN where predictions can't be read."""
    high: float
    n: int
    """Examples."""
    baseline: float
    """The baseline's score with the same seed; NaN where there is none."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One training on the way to the checkpoint."""

    name: str
    trained_on: str
    phase: str
    data: str
    """Datasets with their revisions."""
    made: str
    """Rates of a mixture and transforms, in a few words; empty for plain rows."""
    settings: dict[str, Any]
    steps: int
    """Updates done."""
    seed: int
    dev: str
    """Development score of the weights that were kept; empty where there is none."""


def card(
    store: Store,
    sweep: Sweep,
    entries: Sequence[Entry],
    pair: Pair,
    entry: Entry,
    exported: Exported | None,
    *,
    name: str,
    commands: Sequence[str],
) -> str:
    """The card of the checkpoint that `entry` scores, called `name`.

    `exported` says what the head went into; None where the body was written alone. `commands` are
    those that make it again. Raises StoreError where a record can't be read.
    """
    task = store.phase(entry.phase).record().spec.members[0].task
    specs = [store.phase(stage.phase).record().spec for stage in entry.lineage]
    root = specs[0].parent
    base = root.model if isinstance(root, ModelParent) else ""
    scores, problems = _scores(store, sweep, entries, entry)
    values = {
        "name": name,
        "pair": pair,
        "entry": entry,
        "task": task,
        "exported": exported,
        "labels": list(exported.settings(task).get("id2label", {}).values()) if exported else [],
        "base": _public(base) or os.path.basename(base.rstrip("/")),
        "base_revision": root.revision if isinstance(root, ModelParent) else "",
        "stages": list(_stages(store, entry)),
        "scores": scores,
        "rules": METRICS[task.metric].rules,
        "problems": problems,
        "resamples": RESAMPLES,
        "licences": _licences(specs, task),
        "sweep": sweep,
        "commands": commands,
        "provenance": store.phase(entry.phase).record().provenance,
        "version": __version__,
    }
    head = _metadata(task, specs, base, exported, scores, name)
    return f"---\n{head.strip()}\n---\n\n{render('model_card.md.j2', values)}"


# -- scores


def _scores(
    store: Store, sweep: Sweep, entries: Sequence[Entry], entry: Entry
) -> tuple[list[Score], list[str]]:
    """The scores of each language and their mean, and what could not be read."""
    own_label = entry.intermediate or BASELINE
    wanted = [
        one
        for one in entries
        if (one.model, one.target, one.seed) == (entry.model, entry.target, entry.seed)
        and (one.intermediate or BASELINE) in (own_label, BASELINE)
    ]
    table = table_of(store, sweep, wanted)
    same = table[(table["model"] == entry.model) & (table["target"] == entry.target)]
    same = same[same["primary"] & (same["seed"] == entry.seed)]
    own = same[same["intermediate"] == own_label]
    others = same[same["intermediate"] == BASELINE].drop_duplicates("language")
    baseline = dict(zip(others["language"], others["value"], strict=True))
    problems = unread(table)
    low, high = _intervals(own, store, problems)
    means = [baseline.get(one, np.nan) for one in own["language"]]
    rows = zip(own["language"], own["value"], own["n"], means, low, high, strict=False)
    found = [
        Score(language=name, value=value, low=a, high=b, n=int(n), baseline=base)
        for name, value, n, base, a, b in rows
    ]
    mean = Score(
        language="mean",
        value=float(own["value"].mean()),
        low=low[-1],
        high=high[-1],
        n=int(own["n"].sum()),
        baseline=float(np.mean(means)),
    )
    return [*found, mean] if len(found) > 1 else found, problems


def _intervals(
    own: pd.DataFrame, store: Store, problems: list[str]
) -> tuple[list[float], list[float]]:
    """Lower and upper bounds of each language, in the order of `own`, and of their mean last."""
    first = own.iloc[0]
    predictions = Predictions(own, store, ("card", first["model"], first["target"]), problems)
    drawn_BL = predictions.resampled(RESAMPLES)[:, 0]
    drawn = np.concatenate([drawn_BL, drawn_BL.mean(axis=1, keepdims=True)], axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return low.tolist(), high.tolist()


# -- where it comes from


def _stages(store: Store, entry: Entry) -> Iterator[Stage]:
    names = stage_names(entry.lineage)
    for name, stage in zip(names, entry.lineage, strict=True):
        record = store.phase(stage.phase).record()
        spec, result = record.spec, record.trained
        tasks = [member.task for member in spec.members]
        mixed = f"rates: {rates(spec.rates)}; {spec.heads} heads" if len(tasks) > 1 else ""
        dev = result.dev
        yield Stage(
            name=name,
            trained_on=stage.task,
            phase=stage.phase,
            data=", ".join(
                f"{_source(member.task)} at {member.data_revision[:12]}" for member in spec.members
            ),
            made="; ".join(filter(None, [mixed, transforms(tasks)])),
            settings=spec.hyper.model_dump(),
            steps=result.steps,
            seed=spec.seed,
            dev=f"{dev.value:.1f} ({dev.metric}, step {dev.step})" if dev else "",
        )


def _source(task: Task) -> str:
    """Where a task's rows come from, without paths of this machine."""
    names = dict.fromkeys(
        leaf.source.hub or (f"own files of {leaf.name}" if leaf.source.files else leaf.name)
        for leaf in task.leaves
    )
    return " + ".join(names)


def _licences(specs: Sequence[PhaseSpec], task: Task) -> dict[str, str]:
    """Data to its licence, as its source states it."""
    tasks = [*(member.task for spec in specs for member in spec.members), task]
    return {leaf.name: leaf.licence or "not stated" for one in tasks for leaf in one.leaves}


def _public(name: str) -> str:
    """An id of the hub; empty for a folder, and for what is only in a mirror."""
    if os.path.isdir(name) or name.startswith("local/") or not _HUB_ID.fullmatch(name):
        return ""
    return name


# -- the hub's metadata


def _codes(languages: Sequence[str]) -> list[str]:
    """The languages as the hub knows them: codes of two or three letters. Private and made-up ones
    mean something to nobody else.
    """
    codes = (resolve(one).code for one in languages if is_known(one))
    return list(dict.fromkeys(one for one in codes if _HUB_LANGUAGE.fullmatch(one)))


def _metadata(
    task: Task,
    specs: Sequence[PhaseSpec],
    base: str,
    exported: Exported | None,
    scores: Sequence[Score],
    name: str,
) -> str:
    """The card's head as YAML."""
    import huggingface_hub

    kind = exported.pipeline if exported else "feature-extraction"
    tasks = [*(member.task for spec in specs for member in spec.members), task]
    hubs = dict.fromkeys(leaf.source.hub for one in tasks for leaf in one.leaves)
    data = [one for one in hubs if one and _public(one)]
    results = [
        huggingface_hub.EvalResult(
            task_type=kind,
            dataset_type=task.source.hub or task.name,
            dataset_name=f"{task.name} ({score.language})",
            dataset_config=score.language,
            dataset_split="test",
            metric_type=task.metric,
            metric_name=f"{task.metric}, percent",
            metric_value=round(score.value, 2),
        )
        for score in scores
        if score.language in task.languages
    ]
    return str(
        huggingface_hub.ModelCardData(
            language=_codes(task.languages) or None,
            license="other",
            license_name="see-the-licences-of-base-model-and-data",
            library_name="transformers",
            pipeline_tag=kind,
            base_model=_public(base) or None,
            datasets=data or None,
            metrics=[task.metric],
            tags=["xstilts", "intermediate-task-training", "cross-lingual-transfer"],
            model_name=name,
            eval_results=results,
        ).to_yaml()
    )
