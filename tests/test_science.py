"""Transfer between the generator's tasks is real, and its direction is the one that the generator
states.

Pretrains the tiny model of `sweeps/demo.yaml` and runs each intermediate before each target with
fixed hyperparameters, through `run_phase`. Gains are means over the languages and two seeds, in
points. With version 1 of the generator and two pretraining seeds gen-reading gave +19 on gen-who,
gen-more at most 2 either way, gen-cipher -8 to -15 on gen-tags, -20 to -25 on gen-who, -31 to -41
on gen-parallel (250 and 400 steps at the same rate); with three other seeds, whose models were
better before, +4 to +18 on gen-who. Version 2 leaves gen-who fewer rows: +15 with the first seed.
The pair target gen-fits is too noisy to assert a direction.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from xstilts import sweep_file
from xstilts.data import task_data
from xstilts.scoring.metrics import METRICS
from xstilts.sources.context import DataContext
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, Parent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.sweep import Pretraining
from xstilts.store.phases import Store
from xstilts.tasks.synthetic import TASKS
from xstilts.training.phase import Context, run_phase

DEMO = Path(__file__).resolve().parents[1] / "sweeps/demo.yaml"
SEEDS = (1, 2)
INTERMEDIATES: Mapping[str, Mapping[str, Any]] = {
    "gen-reading": {"lr": 1e-3, "steps": 200, "max_length_tokens": 48},
    "gen-more": {"lr": 2e-4, "steps": 150, "max_length_tokens": 32},
    "gen-cipher": {"lr": 2e-3, "steps": 300, "max_length_tokens": 48},
}
TARGETS: Mapping[str, Mapping[str, Any]] = {
    "gen-tags": {"lr": 2e-3, "steps": 40, "max_length_tokens": 48},
    "gen-fits": {"lr": 1e-3, "steps": 80, "max_length_tokens": 48},
    "gen-who": {"lr": 2e-3, "steps": 30, "max_length_tokens": 48},
}
HELP, HARM, NEUTRAL = 10.0, -5.0, 6.0

Gains = Mapping[tuple[str, str], float]


class Lab:
    """Runs phases in one store, each once."""

    def __init__(self, store: Path) -> None:
        self.store = Store(str(store))
        self.context = Context(store=str(store), mirror=None, base=".")
        self.where = DataContext(mirror=None, base=".", cache=str(self.store.data))

    def run(
        self, action: Any, parent: Parent, task: str, seed: int = 0, **hyper: Any
    ) -> tuple[PhaseParent, Any]:
        """The phase as a parent, and its result."""
        member = Member(
            task=TASKS[task], data_revision=task_data.revision(TASKS[task], action, self.where)
        )
        spec = PhaseSpec(
            action=action,
            parent=parent,
            members=(member,),
            hyper=Hyperparameters(**hyper),
            seed=seed,
        )
        assert run_phase(spec, self.context, lambda report: True) == "done"
        return PhaseParent(phase=spec.id), self.store.phase(spec.id).record().result

    def pretrained(self, seed: int = 0) -> PhaseParent:
        """The model of the demo."""
        (model,) = sweep_file.load(DEMO).models
        assert isinstance(model, Pretraining)
        scratch = ScratchParent(
            config=model.config, tokenizer="generator", tokenizer_revision="test"
        )
        return self.run("train", scratch, model.task, seed, **model.settings.given())[0]

    def scores(self, base: Parent, intermediate: str, seed: int) -> dict[str, float]:
        """Target to its mean score over the languages, retrieval included."""
        parent = base
        if intermediate != "none":
            parent, _ = self.run("train", base, intermediate, seed, **INTERMEDIATES[intermediate])
        found = {}
        for target, hyper in TARGETS.items():
            trained, _ = self.run("train", parent, target, seed, **hyper)
            found[target] = self._mean(trained, target, hyper["max_length_tokens"])
        found["gen-parallel"] = self._mean(parent, "gen-parallel", 48)
        return found

    def _mean(self, parent: Parent, task: str, length: int) -> float:
        _, result = self.run("evaluate", parent, task, max_length_tokens=length)
        return float(result.mean[METRICS[TASKS[task].metric].name])

    def gains(self, seed: int = 0) -> tuple[Gains, dict[str, float]]:
        """`(intermediate, target)` to its gain, and the baseline."""
        base = self.pretrained(seed)
        table = {
            name: [self.scores(base, name, seed) for seed in SEEDS]
            for name in ("none", *INTERMEDIATES)
        }
        means = {
            name: {t: sum(r[t] for r in rows) / len(rows) for t in rows[0]}
            for name, rows in table.items()
        }
        gains = {
            (i, t): means[i][t] - means["none"][t] for i in INTERMEDIATES for t in means["none"]
        }
        return gains, means["none"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gains, dict[str, float]]:
    """Gains and baseline of one pretrained model."""
    return Lab(tmp_path_factory.mktemp("science")).gains()


@pytest.mark.slow
def test_baseline_is_between_chance_and_perfect(measured: tuple[Gains, dict[str, float]]) -> None:
    _, baseline = measured
    assert 70 < baseline["gen-tags"] < 98
    assert 60 < baseline["gen-fits"] < 97
    assert 30 < baseline["gen-who"] < 80
    assert 15 < baseline["gen-parallel"] < 95


@pytest.mark.slow
def test_reading_before_who_helps(measured: tuple[Gains, dict[str, float]]) -> None:
    gains, _ = measured
    assert gains["gen-reading", "gen-who"] > HELP


@pytest.mark.slow
@pytest.mark.parametrize("target", ["gen-tags", "gen-who", "gen-parallel"])
def test_cipher_before_any_target_harms(
    measured: tuple[Gains, dict[str, float]], target: str
) -> None:
    gains, _ = measured
    assert gains["gen-cipher", target] < HARM


@pytest.mark.slow
@pytest.mark.parametrize("target", ["gen-tags", "gen-who"])
def test_more_text_before_any_target_is_neutral(
    measured: tuple[Gains, dict[str, float]], target: str
) -> None:
    gains, _ = measured
    assert abs(gains["gen-more", target]) < NEUTRAL
