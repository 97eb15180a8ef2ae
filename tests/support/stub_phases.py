"""Phases that train nothing: what a worker leaves behind, in a millisecond or two.

For tests and benchmarks of everything around training. A training leaves weights of a few hundred
bytes that are its id, and a development score that its learning rate decides; an evaluation leaves
scores. `many` is a sweep with as many phases as wanted.
"""

from __future__ import annotations

import math

from tests.support import builders
from xstilts.planning import Plan, make_plan
from xstilts.spec.hyperparameters import LogRange, Settings
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.sweep import Model, Resources, Search, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.phases import Phase
from xstilts.store.results import CurvePoint

LANGUAGES = ("en", "de", "sw")


def many(phases: int, *, trials: int = 4, **changes: object) -> tuple[Sweep, Plan]:
    """A sweep, and its plan, of at least `phases` slots: pairs with a study and three seeds each,
    as real ones have.
    """
    pairs = max(2, math.isqrt(max(1, phases // (trials + 6))))
    while True:
        sweep = _sweep(pairs, trials, changes)
        plan = make_plan(sweep)
        if len(plan.slots) >= phases:
            return sweep, plan
        pairs += 1


def _sweep(side: int, trials: int, changes: dict[str, object]) -> Sweep:
    before = tuple(f"before{i}" for i in range(side - 1))
    targets = tuple(f"target{i}" for i in range(side))
    values: dict[str, object] = {
        "name": "many",
        "models": (Model(id="test/base"),),
        "intermediates": ("none", *before),
        "targets": targets,
        "seeds": (1, 2, 3),
        "tasks": (
            *(_task(name, ("en",)) for name in before),
            *(_task(name, LANGUAGES) for name in targets),
        ),
        "intermediate": Settings(lr=LogRange(log=(1e-6, 1e-2)), steps=10),
        "target": Settings(lr=LogRange(log=(1e-6, 1e-2)), steps=10),
        "search": Search(trials=trials),
        "resources": Resources(slots=2),
        "tracking": "off",
    }
    return Sweep.model_validate({**values, **changes})


def _task(name: str, languages: tuple[str, ...]) -> Task:
    return Task(
        name=name,
        format="classification",
        metric="accuracy",
        languages=languages,
        splits=Splits(train="train", dev="validation", test="test"),
        source=Source(hub=f"test/{name}"),
        labels=("a", "b"),
    )


def value_of(spec: PhaseSpec) -> float:
    """A development score in percent; best at a learning rate of 1e-4."""
    return 90.0 - 10 * abs(math.log10(spec.hyper.lr) + 4)


def leave(spec: PhaseSpec, phase: Phase) -> None:
    """Does what a worker does with a phase that it was given."""
    phase.begin(spec)
    if spec.action == "train":
        if spec.parent_phase:
            Phase(phase._files, spec.parent_phase).checkpoint()
        with phase.staging() as made:
            (made / "weights").write_bytes(spec.id.encode() * 10)
            phase.keep_checkpoint(made)
        curve = [CurvePoint(step=5, loss=1.5, lr=1e-5), CurvePoint(step=10, loss=1.0, lr=0.0)]
        result = builders.train_result(value_of(spec), "accuracy", 10, curve)
        phase.finish(spec, result, builders.provenance())
        return
    languages = spec.members[0].task.languages
    scores = {one: {"accuracy": 40.0 + int(spec.id[i], 16)} for i, one in enumerate(languages)}
    result_e = builders.evaluation_result(scores, dict.fromkeys(languages, 100))
    phase.finish(spec, result_e, builders.provenance())
