"""Phase ids that must never change while nothing that decides a number does: a store finds its
phases by them.

Where a test here fails, either a change that was to change no number did, or `RECIPE_VERSION` was
raised on purpose: then, and only then, new ids are written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from xstilts import sweep_file
from xstilts.planning import Plan, Slot, make_plan
from xstilts.planning.filling import Revisions, build
from xstilts.planning.needs import first_slot
from xstilts.spec.digests import digest
from xstilts.spec.hyperparameters import Choice, Space
from xstilts.spec.phase import PhaseSpec

ROOT = Path(__file__).resolve().parents[2]
STAGED = """
name: known
models:
  - org/encoder
  - name: tiny
    task: gen-text
    tokenizer: generator
    config: {model_type: xlm-roberta, hidden_size: 8}
    settings: {lr: 1.0e-3, steps: 7}
intermediates:
  - none
  - squad
  - anli_plus
  - squad_translated
  - {mixture: [hellaswag, mlm], name: kept, rates: {cap: 1000, fixed: {mlm: 0.2}}}
  - {mixture: [mnli, snli], heads: shared, rates: [2, 1]}
targets: [xquad, mlqa, udpos, xnli, tatoeba, bucc, lareqa, xcopa]
seeds: [1, 2]
tasks:
  squad_translated:
    like: squad
    transform: {translate: {model: org/nllb, languages: [de, sw]}, share: 0.5}
  mlm: {train_language: [en, sw], language_exponent: 0.3}
  tatoeba: {options: {sweep_layers: all, sweep_poolings: [cls]}}
  xnli: {limits: {train: 100, test: 50}}
intermediate: {lr: {log: [1.0e-5, 1.0e-4]}, steps: 20}
target: {lr: {choice: [1.0e-5, 3.0e-5]}, eval_every_steps: 5}
overrides:
  udpos: {max_length_tokens: 256, precision: bf16}
search: {trials: 2}
"""
JOINT = STAGED.replace("name: known", "name: known-joint").replace(
    "{trials: 2}", "{trials: 2, order: joint, ladder: 2}"
)

KNOWN = {
    "known: tiny/pretrain": "6edf5d335c62da80c01a7b75",
    "known: encoder/squad/t1": "3a69cae7e4c25a268a9710b1",
    "known: encoder/mnli+snli/t0": "67c59091830016100cae80cd",
    "known: encoder/kept/t0": "c2654ab7c1b178ff8a44f427",
    "known: encoder/anli_plus/t0": "effb9bf253b019af9c555fac",
    "known: encoder/squad_translated/t1": "a4495b8372d6044299b1e3d1",
    "known-joint: encoder/squad>udpos/t1/intermediate": "3a69cae7e4c25a268a9710b1",
    "known-joint: encoder/squad>udpos/t1": "8472bbdded5fce3073fd3530",
    "known: encoder/none>xnli/t0": "cd9eb2f72bae558248fb71b3",
    "known: tiny/squad>xquad+mlqa/s2": "6f47d69dd5ece75946ade870",
    "known: tiny/squad>mlqa/eval/s2": "e18aecf2e2017741a062c0af",
    "known: encoder/none>tatoeba/eval/s1": "0ea87676007518eda32a841c",
    "known: encoder/squad>tatoeba/eval/s1": "39a973b226349e3f41b32297",
    "known: encoder/kept>bucc/eval/s1": "dbb609c6ed7298480e767fe2",
    "known: encoder/squad>lareqa/eval/s1": "c88c28a4f67b30a12ec3a1c4",
}
"""Sweep and slot to the id of its phase, one for each kind of phase."""
ALL = "6c292450cd6a41bb753c374a"
SWEEPS = {
    "demo.yaml": "5839dceb3282a23016f7888b",
    "example-own-task.yaml": "f25505032a603a2101501b0f",
    "mini-xtreme.yaml": "ab807c17c2d20347d46ae467",
    "phang2020-mlm.yaml": "c4b5afb50e9ec0e9bd6af869",
    "phang2020-multitask.yaml": "23d28caf6d36e4095e8e6aa0",
    "phang2020-translated.yaml": "644f685e0dc6d58471c7c393",
    "phang2020.yaml": "40b28844a06c9dbd1c07c8a2",
    "xtreme-r-syntactic-semantic.yaml": "30962fd7dfcec8715acabb63",
    "xtreme-r-synthetic-multilingual.yaml": "2f6a2744d21ddef0e41853a6",
}
"""Sweep file to the digest of the ids of all its phases."""


def every_id(plan: Plan) -> dict[str, str]:
    """Slot to phase id, as if every search suggested the first value of each space and chose its
    first trial.
    """
    ids: dict[str, str] = {}
    params: dict[str, Mapping[str, Any]] = {}
    for slot in plan.slots:
        params[slot.key] = _params(plan, slot, params)
        ids[slot.key] = _phase(plan, slot, params[slot.key], ids).id
    return ids


def _params(plan: Plan, slot: Slot, params: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    if slot.like:
        return params[f"{slot.like}/t0"]
    if slot.kind == "evaluate":
        needed = next((one for one in plan.slots if one.key == first_slot(slot.needs)), None)
        return params[needed.key] if needed is not None and needed.kind == "target" else {}
    if not slot.study:
        return {}
    return {
        name: _value(space, slot.trial or 0)
        for name, space in plan.studies[slot.study].space.items()
    }


def _value(space: Space, trial: int) -> Any:
    values = space.choice if isinstance(space, Choice) else next(iter(space.model_dump().values()))
    return values[trial % len(values)]


def _phase(plan: Plan, slot: Slot, params: Mapping[str, Any], ids: Mapping[str, str]) -> PhaseSpec:
    names = [task.name for task in plan.sweep.tasks]
    models = [
        getattr(model, "id", None) or getattr(model, "tokenizer", "") for model in plan.sweep.models
    ]
    revisions = Revisions(
        train={name: f"train {name}" for name in names},
        evaluate={name: f"test {name}" for name in names},
        models={name: f"files {name}" for name in models},
    )
    return build(plan, slot, params, ids.get(first_slot(slot.needs), ""), revisions)


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    found: dict[str, str] = {}
    for text in (STAGED, JOINT):
        sweep = sweep_file.loads(text)
        found |= {f"{sweep.name}: {key}": one for key, one in every_id(make_plan(sweep)).items()}
    return found


@pytest.mark.parametrize("place", KNOWN)
def test_id_of_each_kind_of_phase_is_the_known_one(place: str, known: Mapping[str, str]) -> None:
    assert known[place] == KNOWN[place]


def test_ids_of_all_phases_together_are_the_known_ones(known: Mapping[str, str]) -> None:
    assert digest(sorted(known.items())) == ALL


@pytest.mark.parametrize("name", SWEEPS)
def test_ids_of_every_sweep_file_are_the_known_ones(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)
    plan = make_plan(sweep_file.load(ROOT / "sweeps" / name))
    assert digest(sorted(every_id(plan).items())) == SWEEPS[name]


def test_every_sweep_file_is_known() -> None:
    assert set(SWEEPS) == {path.name for path in (ROOT / "sweeps").glob("*.yaml")}
