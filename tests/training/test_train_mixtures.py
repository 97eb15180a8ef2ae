"""Trainings of several members: rates, shared heads, a masked LM among them, and who chooses the
weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from tests.support import toy
from tests.training.test_phase import Killed, assert_same, group, killer, result, run, weights
from xstilts.data import task_data
from xstilts.evaluation import evaluate
from xstilts.models import model
from xstilts.sources.context import DataContext
from xstilts.spec.phase import PhaseSpec
from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task
from xstilts.store.phases import Store
from xstilts.training.loop import optimizer
from xstilts.training.phase import run_phase
from xstilts.workers import process


def write_world(folder: Path) -> Path:
    """A base model and rows; `uneven` has 96 lines of text in English and 24 in `fi`."""
    toy.base_model(folder / "base")
    toy.write_rows(folder / "rows")
    for language, count in (("en", 96), ("fi", 24)):
        for split in ("train", "dev"):
            lines = (
                (folder / f"rows/text/{language}/{split}.jsonl")
                .read_text()
                .splitlines(keepends=True)
            )
            path = folder / f"uneven/text/{language}/{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines[:count]))
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def mixture(world: Path, *tasks: str | Task, heads: str = "separate", **changes: Any) -> PhaseSpec:
    made = [toy.task(task, world / "rows") if isinstance(task, str) else task for task in tasks]
    return toy.training(str(world / "base"), made, **changes).model_copy(update={"heads": heads})


def again(world: Path) -> Task:
    """The task `class` under another name."""
    return toy.task("class", world / "rows", name="again")


def entries(store: Path, spec: PhaseSpec) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(
        (Store(store).phase(spec.id).checkpoint() / "heads.json").read_text()
    )
    return loaded


def loaded(spec: PhaseSpec, store: Path) -> model.LoadedModel:
    return model.load(spec, Store(store), DataContext(cache=str(store / "data")))


# -- a masked LM among others


def test_masked_lm_mixed_in_at_a_rate_trains_with_the_base_models_own_head(
    world: Path, tmp_path: Path
) -> None:
    spec = mixture(
        world, "class", "text", rates=Rates(fixed={"text": 0.2}), lr=1e-12, weight_decay=0.0
    )
    run(tmp_path, spec)
    own = load_file(Store(tmp_path).phase(spec.id).checkpoint() / "head-1.safetensors")
    base = load_file(world / "base" / "model.safetensors")
    for name, value in own.items():
        assert torch.allclose(value, base[f"lm_head.{name}"], atol=1e-6), name


def test_masked_lm_mixed_in_leaves_a_checkpoint_that_opens_and_a_head_that_answers(
    world: Path, tmp_path: Path
) -> None:
    text = toy.task("text", world / "rows", train_language=("en", "fi"))
    spec = mixture(
        world,
        "class",
        text,
        rates=Rates(fixed={"text": 0.3}),
        lr=5e-3,
        steps=40,
        eval_every_steps=20,
    )
    run(tmp_path, spec)
    body = AutoModel.from_pretrained(Store(tmp_path).phase(spec.id).checkpoint())
    kept = weights(tmp_path, spec)
    assert all(
        torch.equal(v, kept[f"model.safetensors:{n}"])
        for n, v in body.state_dict().items()
        if "pooler" not in n
    )
    assert (
        run_phase(
            toy.evaluation(spec, toy.task("text", world / "rows")),
            toy.context(tmp_path),
            toy.silent,
        )
        == "done"
    )


def test_masked_lm_mixed_in_is_scored_and_takes_no_part_in_the_choice(
    world: Path, tmp_path: Path
) -> None:
    got = run(
        tmp_path,
        mixture(
            world, "class", "text", rates=Rates(fixed={"text": 0.5}), eval_every_steps=2, lr=5e-3
        ),
    )
    scored = [point for point in got.curve if point.dev is not None]
    assert all(set(point.dev_by_task) == {"class", "text"} for point in scored)
    assert all(point.dev == point.dev_by_task["class"] for point in scored)
    assert got.dev.metric == "accuracy" and got.dev.value == max(p.dev for p in scored)
    assert got.dev.metrics.keys() == {"class", "text"}


def test_curve_of_a_mixture_has_each_members_score_and_their_plain_mean(
    world: Path, tmp_path: Path
) -> None:
    got = run(tmp_path, mixture(world, "class", "tags", rates=(9.0, 1.0)))
    for point in got.curve:
        if point.dev is None:
            assert point.dev_by_task is None
        else:
            assert point.dev == sum(point.dev_by_task.values()) / 2
    assert got.dev.metric == "mean"


def test_curve_of_one_task_has_no_scores_by_task(world: Path, tmp_path: Path) -> None:
    curve = run(tmp_path, mixture(world, "class")).curve
    assert all(point.dev_by_task is None for point in curve)


# -- shared heads


def test_shared_head_is_one_module_in_the_optimizer_and_on_disk(
    world: Path, tmp_path: Path
) -> None:
    spec = mixture(world, "class", "tags", again(world), heads="shared")
    ready = loaded(spec, tmp_path).model
    assert ready.head_of == (0, 1, 0) and len(ready.heads) == 2
    held = [id(p) for group in optimizer(ready, toy.hyper()).param_groups for p in group["params"]]
    assert len(held) == len(set(held)) == len(list(ready.parameters()))
    run(tmp_path, spec)
    assert [(e["task"], e["file"]) for e in entries(tmp_path, spec)] == [
        ("class", "head-0.safetensors"),
        ("tags", "head-1.safetensors"),
        ("again", "head-0.safetensors"),
    ]
    assert sorted(p.name for p in Store(tmp_path).phase(spec.id).checkpoint().glob("head-*")) == [
        "head-0.safetensors",
        "head-1.safetensors",
    ]


def test_shared_head_learns_from_all_its_members(world: Path, tmp_path: Path) -> None:
    common: dict[str, Any] = {"steps": 8, "eval_every_steps": 8, "rates": (1.0, 1.0)}
    shared = mixture(world, "class", again(world), heads="shared", **common)
    separate = mixture(world, "class", again(world), **common)
    ready = loaded(shared, tmp_path).model
    batch = {
        "input_ids_BL": torch.tensor([[0, 9, 2]]),
        "attention_mask_BL": torch.ones(1, 3, dtype=torch.long),
    }
    ready.eval()
    assert torch.equal(ready.outputs(0, batch)[0], ready.outputs(1, batch)[0])
    run(tmp_path, shared)
    run(tmp_path, separate)
    assert shared.id != separate.id
    left, right = weights(tmp_path, shared), weights(tmp_path, separate)
    name = "head-0.safetensors:classifier.dense.weight"
    assert (
        not torch.equal(left[name], right[name])
        and "head-1.safetensors:classifier.dense.weight" not in left
    )


@pytest.mark.parametrize("name", ["class", "again", "other"])
def test_shared_head_is_found_by_name_or_labels(world: Path, tmp_path: Path, name: str) -> None:
    spec = mixture(world, "class", again(world), heads="shared")
    run(tmp_path, spec)
    ready = loaded(toy.evaluation(spec, toy.task("class", world / "rows", name=name)), tmp_path)
    stored = load_file(Store(tmp_path).phase(spec.id).checkpoint() / "head-0.safetensors")
    assert all(
        torch.equal(value, stored[key]) for key, value in ready.model.heads[0].state_dict().items()
    )


def test_shared_heads_part_members_of_other_labels_and_formats(world: Path, tmp_path: Path) -> None:
    turned = toy.task("class", world / "rows", name="turned", labels=("good", "bad"))
    ready = loaded(
        mixture(world, "class", turned, "tags", "choice", again(world), heads="shared"), tmp_path
    )
    assert ready.model.head_of == (0, 1, 2, 3, 0)


def test_separate_heads_are_those_of_before(world: Path, tmp_path: Path) -> None:
    ready = loaded(mixture(world, "class", again(world)), tmp_path).model
    assert ready.head_of == (0, 1) and len(ready.heads) == 2


# -- the same numbers, whatever happens


@pytest.mark.parametrize("step", [4, 8])
def test_mixture_killed_and_resumed_equals_uninterrupted(
    world: Path, tmp_path: Path, step: int
) -> None:
    text = toy.task("text", world / "uneven", train_language=("en", "fi"), language_exponent=0.5)
    rates = Rates(cap=50, temperature=2, fixed={"text": 0.3})
    spec = mixture(
        world, "class", again(world), text, heads="shared", rates=rates, grad_accumulation=2
    )
    run(tmp_path / "whole", spec)
    with pytest.raises(Killed):
        run(tmp_path / "cut", spec, killer(step), partial_every_seconds=0)
    run(tmp_path / "cut", spec)
    assert_same(tmp_path / "whole", tmp_path / "cut", spec)


def test_dev_scores_of_a_member_are_those_of_its_own_head(world: Path, tmp_path: Path) -> None:
    spec = mixture(world, "class", "tags", eval_every_steps=10)
    got = run(tmp_path, spec)
    one = toy.evaluation(spec, toy.task("tags", world / "rows"))
    context = DataContext(cache=str(tmp_path / "data"))
    ready = loaded(one, tmp_path)
    split = task_data.encoded(one.members[0].task, "dev", None, ready.tokenizer, one.hyper, context)
    world_of_one = process.World(rank=0, size=1, device=torch.device("cpu"))
    scores = evaluate.dev_scores(
        ready, 0, split, one.members[0].task, world=world_of_one, bf16=False
    )
    assert scores == got.dev.metrics["tags"]


@pytest.mark.slow
def test_mixture_on_two_workers_gives_the_losses_of_one(world: Path, tmp_path: Path) -> None:
    toy.base_model(tmp_path / "dry", dropout=0.0)
    tasks = [toy.task("class", world / "rows"), again(world), toy.task("text", world / "rows")]
    rates = Rates(fixed={"text": 0.3})
    mixed = toy.training(str(tmp_path / "dry"), tasks, rates=rates).model_copy(
        update={"heads": "shared"}
    )
    one_head = toy.training(str(tmp_path / "dry"), tasks[:2]).model_copy(update={"heads": "shared"})
    for spec in (mixed, one_head):
        run(tmp_path / "one", spec)
    group(tmp_path / "two", [mixed, one_head], tmp_path, 2)
    for spec in (mixed, one_head):
        one, two = result(tmp_path / "one", spec), result(tmp_path / "two", spec)
        for left, right in zip(one.curve, two.curve, strict=True):
            assert left.loss == pytest.approx(right.loss, rel=1e-5)
