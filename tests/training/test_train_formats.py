"""Formats beside the plain ones: killed and resumed, and on several workers; a masked LM that goes
on.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support import toy
from tests.training.test_phase import Killed, assert_same, group, killer, result, run
from xstilts.spec.format_specs.dual_encoder import DualEncoderOptions
from xstilts.spec.format_specs.span_qa import SpanQAOptions
from xstilts.spec.phase import PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.phases import Store

KINDS: dict[str, dict[str, Any]] = {
    "regression": {"format": "regression", "metric": "correlation"},
    "dual": {
        "format": "dual_encoder",
        "metric": "map_at_k",
        "options": DualEncoderOptions(logit_scale=20.0),
    },
    "unanswered": {
        "format": "span_qa",
        "metric": "best_qa_mean",
        "options": SpanQAOptions(no_answer=True),
    },
}


def _rows(rng: random.Random, count: int) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for i in range(count):
        words = [f"w{rng.randrange(60):02d}" for _ in range(rng.randrange(4, 20))]
        text, at = " ".join(words), rng.randrange(len(words))
        start = sum(len(word) + 1 for word in words[:at])
        gold = (
            {"text": [words[at]], "answer_start": [start]}
            if i % 3
            else {"text": [], "answer_start": []}
        )
        made["regression"].append({"text": text, "label": float(len(words)) / 4})
        made["dual"].append(
            {"query": words[0], "candidate": f"x{words[0][1:]} x01", "key": words[0]}
        )
        made["unanswered"].append(
            {"id": str(i), "question": words[at], "context": text, "answers": gold}
        )
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.base_model(folder / "dry", dropout=0.0)
    toy.write_rows(folder / "rows")
    for split, count in (("train", 96), ("dev", 48)):
        for kind, rows in _rows(random.Random(split), count).items():
            path = folder / f"rows/{kind}/en/{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def task_of(world: Path, kind: str) -> Task:
    if kind not in KINDS:
        return toy.task(kind, world / "rows")
    source = Source(files=(f"{world / 'rows'}/{kind}/{{language}}/{{split}}.jsonl",))
    return Task(name=kind, source=source, splits=Splits(train="train", dev="dev"), **KINDS[kind])


def spec_of(world: Path, *kinds: str, base: str = "base", **changes: Any) -> PhaseSpec:
    return toy.training(str(world / base), [task_of(world, kind) for kind in kinds], **changes)


# -- the same numbers, whatever happens


@pytest.mark.parametrize(
    "kinds", [("regression",), ("dual",), ("unanswered",), ("dual", "unanswered", "text")]
)
def test_format_killed_and_resumed_equals_uninterrupted(
    world: Path, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    spec = spec_of(world, *kinds, rates="uniform", lr=5e-3)
    run(tmp_path / "whole", spec)
    with pytest.raises(Killed):
        run(tmp_path / "cut", spec, killer(8), partial_every_seconds=0)
    run(tmp_path / "cut", spec)
    assert_same(tmp_path / "whole", tmp_path / "cut", spec)


@pytest.mark.slow
def test_formats_on_two_workers_give_the_losses_and_scores_of_one(
    world: Path, tmp_path: Path
) -> None:
    specs = [
        spec_of(world, "regression", base="dry", batch_size=7),
        spec_of(world, "regression", "unanswered", "text", base="dry", rates="uniform"),
    ]
    for spec in specs:
        run(tmp_path / "one", spec)
    group(tmp_path / "two", specs, tmp_path, 2)
    for spec in specs:
        one, two = result(tmp_path / "one", spec), result(tmp_path / "two", spec)
        for left, right in zip(one.curve, two.curve, strict=True):
            assert left.loss == pytest.approx(right.loss, rel=1e-5)
            assert left.dev == pytest.approx(right.dev, abs=0.5)


# -- a masked LM goes on


def lm_head(store: Path, phase: str, number: int = 0) -> dict[str, torch.Tensor]:
    return load_file(Store(store).phase(phase).checkpoint() / f"head-{number}.safetensors")


def test_masked_lm_on_a_pretraining_of_ours_goes_on_with_its_head(
    world: Path, tmp_path: Path
) -> None:
    scratch = ScratchParent(
        config=toy.config(), tokenizer=str(world / "base"), tokenizer_revision="r"
    )
    first = spec_of(world, "text", parent=scratch, lr=5e-3)
    run(tmp_path, first)
    parent = PhaseParent(phase=first.id)
    mixed = spec_of(
        world, "class", "text", parent=parent, rates=(1.0, 1.0), lr=1e-12, weight_decay=0.0
    )
    run(tmp_path, mixed)
    before, after = lm_head(tmp_path, first.id), lm_head(tmp_path, mixed.id, 1)
    assert all(torch.allclose(value, after[name], atol=1e-6) for name, value in before.items())
    assert result(tmp_path, first).dev.value > 0
    assert mixed.payload()["lm_head"] == "parent's"


def test_masked_lm_on_a_phase_without_one_begins_a_new_head(world: Path, tmp_path: Path) -> None:
    first = spec_of(world, "class")
    run(tmp_path, first)
    second = spec_of(world, "text", parent=PhaseParent(phase=first.id), lr=1e-12, weight_decay=0.0)
    run(tmp_path, second)
    base = load_file(world / "base" / "model.safetensors")
    assert not torch.allclose(
        lm_head(tmp_path, second.id)["dense.weight"], base["lm_head.dense.weight"], atol=1e-3
    )
