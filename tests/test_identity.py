"""What decides a phase's id, and what must not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sweeps_for_tests import task
from xstilts.identity import Member, ModelParent, PhaseParent, PhaseSpec, canonical_json, differences
from xstilts.store import Store
from xstilts.sweep import Hyperparameters
from xstilts.task import Limits, Options, Source, Splits, Task


def spec(action: str = "train", **changes: Any) -> PhaseSpec:
    values: dict[str, Any] = {
        "action": action,
        "parent": ModelParent(model="org/model", revision="r1"),
        "members": (Member(task=task("good"), data_revision="d1"),),
        "hyper": Hyperparameters(lr=1e-4, steps=10),
        "seed": 1,
    }
    return PhaseSpec(**{**values, **changes})


def with_task(**changes: Any) -> dict[str, Any]:
    return {"members": (Member(task=task("good").model_copy(update=changes), data_revision="d1"),)}


DECIDES_A_TRAINING = [
    {"parent": ModelParent(model="org/model", revision="r2")},
    {"parent": ModelParent(model="org/other", revision="r1")},
    {"parent": PhaseParent(phase="0" * 24)},
    {"members": (Member(task=task("good"), data_revision="d2"),)},
    {"seed": 2},
    with_task(source=Source(hub="org/else")),
    with_task(labels=("b", "a")),
    with_task(columns={"text": "sentence"}),
    with_task(train_language="de"),
    with_task(splits=Splits(train="train[:50%]", dev="validation", test="test")),
    with_task(limits=Limits(train=5)),
    with_task(options=Options(mask_probability=0.3)),
    with_task(metric="other"),
    *[
        {"hyper": Hyperparameters(**{"lr": 1e-4, "steps": 10, name: value})}
        for name, value in {
            "lr": 2e-4, "steps": 11, "batch_size": 16, "grad_accumulation": 2, "schedule": "cosine",
            "warmup_ratio": 0.2,
            "weight_decay": 0.1, "max_grad_norm": 2.0, "max_length_tokens": 64, "doc_stride_tokens": 32,
            "eval_every_steps": 3, "patience_evals": 2, "precision": "bf16",
        }.items()
    ],
]  # fmt: skip
DECIDES_NO_TRAINING = [
    with_task(name="renamed"),
    with_task(languages=("en", "sw", "th")),
    with_task(splits=Splits(train="train", dev="validation", test="other")),
    with_task(limits=Limits(test=5)),
    with_task(groups=("syntactic",)),
    with_task(licence="MIT"),
    with_task(train_task="elsewhere"),
    with_task(language_names={"sw": "Swahili"}),
    {"rates": "uniform"},  # of one task alone
]


@pytest.mark.parametrize("change", DECIDES_A_TRAINING)
def test_id_training_changes_with_what_decides_it(change: dict[str, Any]) -> None:
    assert spec(**change).id != spec().id


@pytest.mark.parametrize("change", DECIDES_NO_TRAINING)
def test_id_training_stays_with_what_decides_nothing(change: dict[str, Any]) -> None:
    assert spec(**change).id == spec().id


def test_id_every_hyperparameter_is_tried_above() -> None:
    tried = {
        name
        for change in DECIDES_A_TRAINING
        if "hyper" in change
        for name, value in change["hyper"].model_dump().items()
        if value != getattr(Hyperparameters(lr=1e-4, steps=10), name)
    }
    assert tried == set(Hyperparameters.model_fields)


def test_id_evaluation_ignores_seed_and_training_and_heeds_languages_and_lengths() -> None:
    base = spec("evaluate")
    assert spec("evaluate", seed=9).id == base.id
    assert spec("evaluate", hyper=Hyperparameters(lr=9.0, steps=99)).id == base.id
    assert spec("evaluate", hyper=Hyperparameters(max_length_tokens=64)).id != base.id
    assert spec("evaluate", **with_task(languages=("en",))).id != base.id
    assert spec("evaluate", **with_task(limits=Limits(train=5))).id == base.id
    assert spec().id != base.id


def test_id_where_user_files_lie_decides_nothing() -> None:
    here, there = (with_task(source=Source(files=(f"{folder}/rows.jsonl",))) for folder in ("here", "there"))
    assert spec(**here).id == spec(**there).id


def test_id_whole_number_written_as_float_is_the_same_phase() -> None:
    one, other = (Hyperparameters.model_validate({"lr": 1, "steps": steps}) for steps in (10, 10.0))
    assert spec(hyper=one).id == spec(hyper=other).id


def test_id_is_the_same_in_every_release() -> None:
    assert len(spec().id) == 24
    assert spec().id == PhaseSpec.model_validate_json(spec().model_dump_json()).id


def test_canonical_json_knows_no_order_and_no_nan() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_differences_name_the_path_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": [1, 2]}, "d": 0}, {"a": {"b": 2, "c": [1, 3]}, "e": 5}
    assert list(differences(old, new)) == [("a.b", 1, 2), ("a.c[1]", 2, 3), ("d", 0, None), ("e", None, 5)]


def test_record_explains_itself(tmp_path: Any) -> None:
    phase = Store(tmp_path).prepare().phase(spec().id)
    phase.finish(spec(), {"dev": {"value": 1.0}}, {"host": "here"})
    record = phase.record()
    assert record["payload"] == spec().payload()
    assert PhaseSpec.model_validate(record["spec"]) == spec()
    assert Task.model_validate(record["spec"]["members"][0]["task"]).name == "good"
