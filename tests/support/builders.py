"""Stores for tests: real records, predictions and ledger, written through the store's own code.

`build_store` makes the store of a sweep that has been run: a base model, the baseline and several
intermediates of known effect, three targets, several seeds, and some things gone wrong. Examples
have a difficulty that all systems share, so that pairs and baseline are correlated as in life.

    skill    helps every target               noise    changes nothing
    scramble harms every target               shared   trains on the data of the target `tags`
    broken   its target trainings fail        (one trial of `skill`'s study on `pairs` is pruned)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xstilts.scoring.metrics import METRICS
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, Parent, PhaseParent, PhaseSpec
from xstilts.spec.sweep import Model, Search, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.chained import Chained
from xstilts.store.ledger import Entry, Ledger, StagePhase
from xstilts.store.phases import Store
from xstilts.store.results import (
    CurvePoint,
    DevScore,
    EvaluationResult,
    LayerScore,
    Metrics,
    Provenance,
    TrainResult,
)
from xstilts.store.sums import of_bytes
from xstilts.store.sweeps import keep_sweep

EFFECTS: Mapping[str, float] = {
    "none": 0.0,
    "skill": 0.9,
    "noise": 0.0,
    "scramble": -0.9,
    "shared": 0.5,
}
"""Intermediate to its effect on a correct answer, in logits."""
FORMATS = {
    "tags": ("tagging", "chunk_f1"),
    "pairs": ("classification", "accuracy"),
    "answers": ("span_qa", "qa_mean"),
}
"""Target to its format and primary metric."""
_SPLITS = Splits(train="train", dev="validation", test="test")


def task(name: str, languages: Sequence[str] = ("en",)) -> Task:
    """A task of these tests; `shared` reads the training rows of `tags`."""
    format_name, metric = FORMATS.get(
        "tags" if name == "shared" else name, ("classification", "accuracy")
    )
    return Task(
        name=name,
        format=format_name,
        metric=metric,
        languages=tuple(languages),
        splits=_SPLITS,
        source=Source(hub=f"test/{'tags' if name == 'shared' else name}"),
        labels=("a", "b"),
    )


def predictions(
    rng: np.random.Generator,
    format_name: str,
    difficulty: np.ndarray,
    skill: float,
    noise: float = 0.5,
) -> pd.DataFrame:
    """A predictions table: every row is right with probability sigmoid(skill - difficulty + noise).

    `difficulty`: one number an example, shared by all systems.
    """
    logits = skill - difficulty + rng.normal(0, noise, len(difficulty))
    right = rng.random(len(difficulty)) < 1 / (1 + np.exp(-logits))
    table: dict[str, Any] = {
        "id": [f"{i}" for i in range(len(right))],
        "prediction": ["x"] * len(right),
        "gold": ["y"] * len(right),
    }
    if format_name == "tagging":
        gold = 1 + (np.arange(len(right)) % 5)
        hits = np.where(right, gold, gold // 2)
        table |= {
            "true_positives": hits,
            "predicted": gold,
            "gold_chunks": gold,
            "tokens_correct": hits + 3,
            "tokens": gold + 3,
        }
    elif format_name == "span_qa":
        table |= {
            "exact_match": right.astype(float),
            "f1": np.where(right, 1.0, rng.random(len(right)) * 0.6),
        }
    else:
        table |= {"correct": right.astype(int)}
    return pd.DataFrame(table)


def finish_evaluation(
    store: Store,
    spec: PhaseSpec,
    tables: Mapping[str, pd.DataFrame],
    metrics: Sequence[str],
    layers: Sequence[LayerScore] = (),
) -> str:
    """Writes predictions (language to table) and record of an evaluation; returns its id."""
    phase = store.phase(spec.id)
    if phase.done:
        return spec.id
    phase.begin(spec)
    for language, frame in tables.items():
        phase.keep_predictions(language, frame.to_dict("list"))
    scores = {
        language: {name: float(METRICS[name].of(frame)) for name in metrics}
        for language, frame in tables.items()
    }
    n = {language: len(frame) for language, frame in tables.items()}
    phase.finish(spec, evaluation_result(scores, n, layers), provenance(1.5))
    return spec.id


def evaluation_result(
    scores: Mapping[str, Metrics], n: Mapping[str, int], layers: Sequence[LayerScore] = ()
) -> EvaluationResult:
    """What came of an evaluation with these scores of each language."""
    names = dict.fromkeys(name for values in scores.values() for name in values)
    mean = {name: float(np.mean([values[name] for values in scores.values()])) for name in names}
    return EvaluationResult(scores=scores, mean=mean, n=n, rules={}, seconds=1.5, layers=layers)


def train_result(
    value: float, metric: str = "accuracy", steps: int = 10, curve: Sequence[CurvePoint] = ()
) -> TrainResult:
    """What came of a training whose best development score is `value`."""
    return TrainResult(
        dev=DevScore(value=value, metric=metric, step=steps, metrics={}),
        steps=steps,
        stopped="finished",
        tokens=64 * steps,
        examples=8 * steps,
        seconds=12.0,
        loss=curve[-1].loss if curve else 1.0,
        curve=curve,
    )


def record_file(store: Store, phase: str) -> Path:
    """The file of a phase's record, for tests that damage or change it."""
    return store.path / "phases" / phase / "record.json"


def predictions_file(store: Store, phase: str, language: str) -> Path:
    """The file of a phase's predictions, for tests that damage or change it."""
    return store.path / "phases" / phase / "predictions" / f"{language}.parquet"


def write_record(store: Store, phase: str, values: Mapping[str, Any]) -> None:
    """Writes another record of a phase, with its digest, as if it had been written so at first."""
    own = {key: value for key, value in values.items() if key != "digest"}
    record_file(store, phase).write_text(json.dumps({**own, "digest": digest(own)}))


def ledger_rows(folder: Path) -> list[dict[str, Any]]:
    """The lines of a sweep's ledger."""
    return [dict(row) for row in Chained(folder / "ledger.jsonl").read().rows]


def write_ledger(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes another ledger, with its sums, as if it had been written so at first."""
    for name in ("ledger.jsonl", "ledger.jsonl.head"):
        (folder / name).unlink(missing_ok=True)
    book = Chained(folder / "ledger.jsonl")
    book.read()
    book.append(*rows)


def write_predictions(store: Store, phase: str, language: str, table: pd.DataFrame) -> None:
    """Writes other predictions of a finished phase, as if it had made these at first."""
    path = predictions_file(store, phase, language)
    table.to_parquet(path)
    values = json.loads(record_file(store, phase).read_text())
    values["files"][f"predictions/{path.name}"] = of_bytes(path.read_bytes())._asdict()
    write_record(store, phase, values)


def finish_training(store: Store, spec: PhaseSpec, value: float) -> str:
    """Writes the record of a training whose best development score is `value`; returns its id."""
    phase = store.phase(spec.id)
    steps = spec.hyper.steps
    pace = 3 + int(spec.id[:2], 16) / 64  # curves differ from phase to phase
    marks = np.linspace(0, steps, 17).astype(int)[1:]
    curve = [
        CurvePoint(
            step=int(s),
            loss=float(0.3 + 1.5 * np.exp(-pace * s / steps)),
            lr=spec.hyper.lr,
            dev=float(value * (1 - 0.6 * np.exp(-pace * s / steps))) if i % 4 == 3 else None,
        )
        for i, s in enumerate(marks)
    ]
    phase.begin(spec)
    result = train_result(value, spec.members[0].task.metric, steps, curve)
    phase.finish(spec, result, provenance(12.0))
    return spec.id


def provenance(seconds: float = 1.0) -> Provenance:
    """Where the phases of these tests were made."""
    versions = {
        "xstilts": "0.1.0",
        "torch": "2.13.0",
        "transformers": "5.23.0",
        "datasets": "5.2.0",
    }
    return Provenance(
        versions=versions,
        python="3.12.0",
        host="node",
        device="cpu",
        threads=1,
        workers=1,
        seconds=seconds,
        started="2026-01-02T03:00:00+00:00",
        ended="2026-01-02T04:30:00+00:00",
    )


class _Builder:
    def __init__(self, store: Store, folder: Path, sweep: Sweep, examples: int) -> None:
        self.store, self.sweep, self.examples = store, sweep, examples
        self.ledger = Ledger(folder)
        self.root = ModelParent(model="test/base", revision="abc")

    def train(
        self, kind: str, name: str, parent: Parent, seed: int, value: float, lr: float, **entry: Any
    ) -> str:
        spec = PhaseSpec(
            action="train",
            parent=parent,
            members=(Member(task=self.sweep.task(name), data_revision="d" * 16),),
            hyper=Hyperparameters(lr=lr, steps=400),
            seed=seed,
        )
        self.write(
            kind=kind,
            task=name,
            seed=seed,
            phase=spec.id,
            state="done",
            params={"lr": lr, "steps": 400},
            **entry,
        )
        return finish_training(self.store, spec, value)

    def write(self, **entry: Any) -> None:
        """An entry of the ledger; `before` and `trained` are the phases of its intermediate and of
        its target's training.
        """
        before, trained = entry.pop("before", ""), entry.pop("trained", "")
        own = entry.get("phase", "") if entry["kind"] != "evaluate" else ""
        stages = [("intermediate", entry.get("intermediate", ""), before)]
        stages += [(entry["kind"], entry["task"], own), ("target", entry["task"], trained)]
        lineage = tuple(
            StagePhase(kind=kind, task=task, phase=phase) for kind, task, phase in stages if phase
        )
        slot = "/".join(
            str(entry.get(k, ""))
            for k in ("kind", "intermediate", "target", "role", "trial", "seed")
        )
        self.ledger.write(Entry(slot=slot, model="base", lineage=lineage, **entry))

    def intermediate(self, label: str) -> str:
        study = f"base/{label}"
        phases = [
            self.train(
                "intermediate",
                label,
                self.root,
                1,
                70.0 + trial,
                lr,
                study=study,
                trial=trial,
                role="trial",
                intermediate=label,
            )
            for trial, lr in enumerate((1e-5, 3e-5))
        ]
        self.ledger.choose(study, f"intermediate/{label}//trial/1/1")
        return phases[1]

    def pair(self, label: str, before: str, target: str) -> None:
        study = f"base/{label}/{target}"
        common = {"intermediate": label, "target": target, "before": before}
        parent: Parent = PhaseParent(phase=before) if before else self.root
        if label == "broken":
            error = f"CUDA out of memory while training {target}"
            for trial in (0, 1):
                self.write(
                    kind="target",
                    task=target,
                    seed=1,
                    state="failed",
                    error=error,
                    attempts=3,
                    study=study,
                    trial=trial,
                    role="trial",
                    **common,
                )
            self.write(kind="evaluate", task=target, seed=1, state="blocked", **common)
            return
        dev = 60 + 8 * EFFECTS[label]
        if (label, target) == ("skill", "pairs"):
            self.write(
                kind="target",
                task=target,
                seed=0,
                state="pruned",
                study=study,
                trial=0,
                role="trial",
                params={"lr": 1e-3, "steps": 400},
                **common,
            )
        else:
            self.train(
                "target", target, parent, 0, dev, 1e-5, study=study, trial=0, role="trial", **common
            )
        self.train(
            "target", target, parent, 0, dev + 1, 5e-5, study=study, trial=1, role="trial", **common
        )
        self.ledger.choose(study, f"target/{label}/{target}/trial/1/0")
        for seed in self.sweep.seeds:
            phase = self.train("target", target, parent, seed, dev + 1 + seed / 10, 5e-5, **common)
            self.evaluate(label, target, seed, phase, common)

    def evaluate(
        self, label: str, target: str, seed: int, trained: str, common: dict[str, Any]
    ) -> None:
        member = Member(task=self.sweep.task(target), data_revision="e" * 16)
        spec = PhaseSpec(
            action="evaluate",
            parent=PhaseParent(phase=trained),
            members=(member,),
            hyper=Hyperparameters(),
            seed=seed,
        )
        rng = np.random.default_rng(int(digest([label, target, seed]), 16) % 2**32)
        shift = rng.normal(0, 0.05)
        tables = {}
        for i, language in enumerate(member.task.languages):
            difficulty = np.random.default_rng(i).normal(0, 2, self.examples)
            skill = 1.5 - 2.5 * i / len(member.task.languages) + EFFECTS[label] + shift
            tables[language] = predictions(rng, member.task.format, difficulty, skill)
        names = {
            "tagging": ("chunk_f1", "token_accuracy"),
            "span_qa": ("exact_match", "f1", "qa_mean"),
        }
        phase = finish_evaluation(
            self.store, spec, tables, names.get(member.task.format, ("accuracy",))
        )
        self.write(
            kind="evaluate",
            task=target,
            seed=seed,
            phase=phase,
            trained=trained,
            state="done",
            **common,
        )


def build_store(
    folder: Path,
    *,
    seeds: Sequence[int] = (1, 2),
    languages: Sequence[str] = ("en", "de", "sw"),
    targets: Sequence[str] = ("tags", "pairs", "answers"),
    intermediates: Sequence[str] = ("none", "skill", "noise", "scramble", "shared", "broken"),
    examples: int = 300,
    name: str = "test-sweep",
    selection: str = "english",
) -> tuple[Store, Path]:
    """`(store, sweep folder)` of a sweep that was run; see the module's opening for what is in
    it.
    """
    store = Store(folder).prepare()
    names = [label for label in intermediates if label != "none"]
    sweep = Sweep(
        name=name,
        models=(Model(id="test/base"),),
        intermediates=tuple(intermediates),
        targets=tuple(targets),
        seeds=tuple(seeds),
        tasks=(*(task(n) for n in names), *(task(t, languages) for t in targets)),
        search=Search(trials=2, selection=selection),
        description="A sweep made up for tests.",
    )
    home = store.sweep_folder(name, 1)
    keep_sweep(home, sweep)
    builder = _Builder(store, home, sweep, examples)
    for label in intermediates:
        before = "" if label == "none" else builder.intermediate(label)
        for target in targets:
            builder.pair(label, before, target)
    return store, home
