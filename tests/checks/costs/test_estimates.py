"""What a plan will cost: every number worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.sweeps import paper_grid, task
from xstilts.checks.costs import model_sizes
from xstilts.checks.costs.estimates import estimate
from xstilts.checks.costs.values import Cost
from xstilts.errors import InputError
from xstilts.planning import make_plan
from xstilts.planning.counts import summary
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.sweep import Mixture, Model, Pretraining, Rates, Resources, Search, Sweep
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.tasks import TASKS

LENGTH = 8
"""Every row is cut to so many tokens, so that no estimate of a length matters."""


def one_training(**changes: Any) -> Sweep:
    """One target, without an intermediate; 100 updates of 10 rows, two evaluations of 20
    development rows.
    """
    limits = Limits(dev=20, test=30)
    values: dict[str, Any] = {
        "name": "cost",
        "models": (Model(id="FacebookAI/xlm-roberta-base"),),
        "intermediates": ("none",),
        "targets": ("tags",),
        "tasks": tuple(task(name, limits=limits) for name in ("tags", "other", "good", "bad")),
        "intermediate": Settings(
            steps=100, batch_size=10, max_length_tokens=LENGTH, eval_every_steps=50
        ),
        "target": Settings(steps=100, batch_size=10, max_length_tokens=LENGTH, eval_every_steps=50),
    }
    return Sweep(**{**values, **changes})


def estimated(sweep: Sweep, **options: Any) -> Cost:
    return estimate(make_plan(sweep), **options)


def test_estimate_of_one_training_by_hand() -> None:
    cost = estimated(one_training())
    work = cost.by_kind["target"]
    # 100 updates x 10 rows; 2 evaluations x 20 rows; each row 8 tokens
    assert (work.examples, work.evaluated, work.tokens) == (1000, 40, 8320)
    # trained: 8,000 tokens x 3 x 170,164,224; evaluated: 320 x 170,164,224; at 30% of 312e12 a
    # second. updates: 100 x 50 bytes x (84,934,656 + 250,002 x 768 embeddings), at 2,039e9 bytes a
    # second.
    seconds = (8000 * 3 + 320) * 170_164_224 / (0.3 * 312e12) + 100 * 50 * 276_936_192 / 2.039e12
    assert work.hours == pytest.approx(seconds / 3600)
    # the test rows: at most 30 of each of two languages
    assert cost.by_kind["evaluate"].evaluated == 60
    assert cost.by_kind["evaluate"].tokens == 480
    assert cost.by_kind["evaluate"].hours == pytest.approx(
        480 * 170_164_224 / (0.3 * 312e12) / 3600
    )
    assert cost.unknown == []


def test_estimate_counts_every_trial_and_the_largest_values() -> None:
    space = Settings(steps=Choice(choice=(50, 100)), batch_size=10, max_length_tokens=LENGTH)
    cost = estimated(one_training(target=space, search=Search(trials=3)))
    assert cost.phases["target"] == 3
    assert cost.by_kind["target"].examples == 3 * 1000


def test_estimate_sharing_saves_the_intermediate_of_all_but_one_target() -> None:
    cost = estimated(one_training(intermediates=("none", "good", "bad"), targets=("tags", "other")))
    assert cost.phases == {"intermediate": 2, "target": 6, "evaluate": 6}
    # two intermediates, each trained once instead of once for each of two targets
    assert cost.saved.examples == 2 * 1000
    assert cost.saved.hours == pytest.approx(cost.by_kind["intermediate"].hours)


def test_estimate_targets_that_share_a_training_save_it() -> None:
    twin = task("twin", train_task="tags", limits=Limits(test=30))
    sweep = one_training(targets=("tags", "twin"), tasks=(*one_training().tasks, twin))
    cost = estimated(sweep)
    assert cost.phases["target"] == 1
    assert cost.saved.examples == 1000


def test_estimate_saved_trainings_agree_with_the_plan() -> None:
    plan = make_plan(paper_grid(seeds=(1, 2)))
    cost = estimate(plan)
    saved = summary(plan)["shared_savings"]
    # every training of the grid has 1,000 (intermediate) or 2,000 (target) updates of 32 rows
    assert cost.saved.examples == saved["intermediate"] * 32_000 + saved["target"] * 64_000


def test_estimate_of_a_mixture_follows_its_rates() -> None:
    long = Task(
        name="long",
        format="multiple_choice",
        source=Source(hub="org/long"),
        metric="accuracy",
        labels=("1", "2", "3"),
        splits=Splits(train="train", dev="dev"),
        limits=Limits(dev=1),
    )
    mixture = Mixture(mixture=("good", "long"), rates=Rates(fixed={"long": 0.25}))
    sweep = one_training(intermediates=(mixture,), tasks=(*one_training().tasks, long))
    work = estimated(sweep).by_kind["intermediate"]
    # 1,000 rows: 750 of one sequence, 250 of three; 2 evaluations of 20 rows and of one row of
    # three sequences
    assert work.examples == 1000
    assert work.tokens == LENGTH * (750 + 250 * 3 + 2 * 20 + 2 * 3)


def test_estimate_proportional_rates_without_sizes_say_so() -> None:
    sweep = one_training(intermediates=(Mixture(mixture=("good", "bad")),))
    assert (
        "train rows for the rates (so all members count the same) of good+bad"
        in estimated(sweep).unknown
    )


def test_estimate_rows_that_nobody_knows_are_named() -> None:
    unlimited = tuple(one.model_copy(update={"limits": Limits()}) for one in one_training().tasks)
    cost = estimated(one_training(tasks=unlimited))
    assert cost.unknown == ["dev rows of tags", "test rows of tags"]
    assert cost.by_kind["target"].evaluated == 0


def test_estimate_unknown_model_has_tokens_and_no_hours() -> None:
    cost = estimated(one_training(models=(Model(id="org/never-heard-of"),)))
    assert cost.total.tokens > 0
    assert cost.total.hours == 0
    assert cost.unknown == ["size of model never-heard-of"]


def test_estimate_reads_a_configuration_of_the_mirror(tmp_path: Path) -> None:
    folder = tmp_path / "models/org/small"
    folder.mkdir(parents=True)
    shape = {
        "model_type": "xlm-roberta",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 128,
        "vocab_size": 1000,
    }
    (folder / "config.json").write_text(json.dumps(shape))
    cost = estimated(one_training(models=(Model(id="org/small"),), mirror=str(tmp_path)))
    assert cost.unknown == []
    found = model_sizes.encoder("org/small", mirror=str(tmp_path))
    assert found is not None
    assert (found.parameters, found.vocabulary) == (2 * (4 * 64 * 64 + 2 * 64 * 128), 1000)


def test_estimate_includes_pretraining() -> None:
    tiny = Pretraining(
        name="tiny",
        task="mlm",
        tokenizer="generator",
        settings=Settings(steps=10, batch_size=4, max_length_tokens=16),
        config={
            "model_type": "xlm-roberta",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "intermediate_size": 64,
        },
    )
    mlm = TASKS["mlm"].model_copy(update={"limits": Limits(dev=1)})
    work = estimated(one_training(models=(tiny,), tasks=(*one_training().tasks, mlm))).by_kind[
        "pretrain"
    ]
    # blocks are full: 10 updates x 4 blocks x 16 tokens, and the development lines of 13 languages
    assert work.examples == 40
    assert work.tokens >= 640
    assert work.hours > 0


def test_estimate_in_fp32_takes_the_peak_of_fp32() -> None:
    def hours(precision: str, gpu: str) -> float:
        settings = Settings(**{**one_training().target.given(), "precision": precision})
        return estimated(one_training(target=settings), gpu=gpu).by_kind["evaluate"].hours

    assert hours("fp32", "H100") / hours("bf16", "H100") == pytest.approx(989 / 67)
    assert hours("auto", "H100") == hours("bf16", "H100")
    assert hours("auto", "T4") == hours("fp32", "T4")  # it has no bf16


def test_estimate_half_the_utilisation_takes_twice_the_time_of_the_operations() -> None:
    evaluated = [
        estimated(one_training(), utilisation=u).by_kind["evaluate"].hours for u in (0.4, 0.2)
    ]
    assert evaluated[1] == pytest.approx(2 * evaluated[0])
    with pytest.raises(InputError, match="above 0 and at most 1"):
        estimated(one_training(), utilisation=1.5)


def test_gpu_of_the_resources_is_taken_unless_another_is_given() -> None:
    sweep = one_training(resources=Resources(gpu="L4"))
    assert estimated(sweep).gpu == "L4"
    assert estimated(sweep, gpu="H100").gpu == "H100"
    assert "L4 at 30% of 121 TFLOPS" in estimated(sweep).assumptions


def test_estimate_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tests.support.sweeps import paper_grid\n"
        "from xstilts.planning import make_plan\n"
        "from xstilts.checks.costs.estimates import estimate; estimate(make_plan(paper_grid()))\n"
        "print([m for m in ('torch', 'ray', 'datasets', 'transformers', 'pandas', 'pyarrow') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
