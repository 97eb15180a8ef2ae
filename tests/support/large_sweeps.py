"""Large finished sweeps for benchmarks: as many records as wanted, of the size of real ones.

Ten intermediates with the baseline, nine targets of 15 to 40 languages; a training and an
evaluation for each pair and seed. A training has a curve of 200 points, an
evaluation a score and, if wanted, predictions in each language. All is written by the store's own
code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.support.builders import evaluation_result, provenance, train_result
from xstilts.driver.choosing import blank_entry
from xstilts.planning import make_plan
from xstilts.planning.plan import Plan, Slot
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, Parent, PhaseParent, PhaseSpec
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.ledger import Entry, Ledger, StagePhase, State
from xstilts.store.phases import Store
from xstilts.store.results import CurvePoint
from xstilts.store.sweeps import keep_sweep

LABELS = ("none", *(f"before{i}" for i in range(9)))
TARGETS = tuple(f"target{i}" for i in range(9))
LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "et", "lv", "lt", "pl"),
    *("cs", "sk", "sl", "hr", "sr", "bg", "ro", "hu", "el", "tr", "ru", "uk", "ar", "he", "fa"),
    *("hi", "bn", "ta", "te", "th", "vi", "id", "sw", "zh", "ja"),
)
"""40; a target has the first 15 to 40 of them."""
POINTS = 200


def build_large(folder: Path, records: int, *, examples: int = 0) -> tuple[Store, Path]:
    """`(store, sweep folder)` of a finished sweep with at least `records` records.

    `examples`: rows of the predictions in each language; without any there are no predictions.
    """
    a_seed = len(LABELS) * len(TARGETS) * 2 + len(LABELS) - 1
    sweep = Sweep(
        name="large",
        models=(Model(id="test/base"),),
        intermediates=LABELS,
        targets=TARGETS,
        seeds=tuple(range(1, 1 + -(-records // a_seed))),
        tasks=(*(_task(name, ("en",)) for name in LABELS[1:]), *map(_target, range(len(TARGETS)))),
        description="A large sweep, made up.",
    )
    store = Store(folder).prepare()
    home = store.sweep_folder(sweep.name, sweep.version)
    keep_sweep(home, sweep)
    _Large(store, Ledger(home), sweep, examples).write(make_plan(sweep))
    return store, home


def _target(number: int) -> Task:
    return _task(TARGETS[number], LANGUAGES[: 15 + 25 * number // (len(TARGETS) - 1)])


def _task(name: str, languages: Sequence[str]) -> Task:
    return Task(
        name=name,
        format="classification",
        metric="accuracy",
        languages=tuple(languages),
        splits=Splits(train="train", dev="validation", test="test"),
        source=Source(hub=f"test/{name}"),
        labels=("a", "b"),
    )


class _Large:
    """Fills the slots of a plan."""

    def __init__(self, store: Store, ledger: Ledger, sweep: Sweep, examples: int) -> None:
        self.store, self.ledger, self.sweep, self.examples = store, ledger, sweep, examples
        self.entries: dict[str, Entry] = {}
        """By slot; by study what it chose."""
        self.rng = np.random.default_rng(0)

    def write(self, plan: Plan) -> None:
        """One phase for each slot, parents first."""
        for slot in plan.slots:
            needed = getattr(slot.needs, "slot", getattr(slot.needs, "study", None))
            before = self.entries[needed] if needed else None
            spec = self._spec(slot, before)
            own = StagePhase(kind=slot.lineage[-1].kind, task=slot.task, phase=spec.id)
            lineage = before.lineage if before else ()
            if slot.kind != "evaluate":
                lineage = (*lineage, own)
                self._train(spec)
            else:
                self._evaluate(spec)
            entry = self.ledger.write(
                blank_entry(slot), phase=spec.id, lineage=lineage, state=State.DONE
            )
            self.entries[slot.key] = self.entries[slot.study] = entry
            if slot.study and slot.trial is not None:
                self.ledger.choose(slot.study, slot.key)

    def _spec(self, slot: Slot, before: Entry | None) -> PhaseSpec:
        parent: Parent = ModelParent(model="test/base", revision="abc")
        return PhaseSpec(
            action="evaluate" if slot.kind == "evaluate" else "train",
            parent=PhaseParent(phase=before.phase) if before else parent,
            members=(Member(task=self.sweep.task(slot.task), data_revision="d" * 16),),
            hyper=Hyperparameters(lr=3e-5, steps=POINTS * 10),
            seed=slot.seed,
        )

    def _train(self, spec: PhaseSpec) -> None:
        curve = [
            CurvePoint(
                step=10 * i,
                loss=round(2 * 0.98**i + self.rng.normal(0, 0.02), 4),
                lr=3e-5 * (1 - i / POINTS),
                dev=round(70 - 30 * 0.97**i + self.rng.normal(), 2) if i % 10 == 0 else None,
            )
            for i in range(1, POINTS + 1)
        ]
        phase = self.store.phase(spec.id)
        phase.begin(spec)
        result = train_result(70 + self.rng.normal(), steps=POINTS * 10, curve=curve)
        phase.finish(spec, result, provenance())

    def _evaluate(self, spec: PhaseSpec) -> None:
        phase = self.store.phase(spec.id)
        phase.begin(spec)
        task = spec.members[0].task
        right = self.rng.random((len(task.languages), self.examples or 500)) < 0.6
        if self.examples:
            gold = ["a"] * self.examples
            for language, correct in zip(task.languages, right.astype(int), strict=True):
                ids = [f"{i}" for i in range(self.examples)]
                predicted = ["a" if one else "b" for one in correct]
                table = {"id": ids, "prediction": predicted, "gold": gold, "correct": correct}
                phase.keep_predictions(language, table)
        scores = {
            language: {"accuracy": 100 * float(share)}
            for language, share in zip(task.languages, right.mean(axis=1), strict=True)
        }
        n = dict.fromkeys(task.languages, right.shape[1])
        phase.finish(spec, evaluation_result(scores, n), provenance())
