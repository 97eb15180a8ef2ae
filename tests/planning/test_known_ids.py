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
    "known: tiny/pretrain": "a0ea08d696eee388f1b9a077",
    "known: encoder/squad/t1": "255f5bc130a6fcefc4472813",
    "known: encoder/mnli+snli/t0": "cef91cdc3c9d3a5878f371b7",
    "known: encoder/kept/t0": "c875f8bd570ffdc3a5fc1775",
    "known: encoder/anli_plus/t0": "09bc2613e65e29c20a43c808",
    "known: encoder/squad_translated/t1": "e1a2d831e23b418fd320d220",
    "known-joint: encoder/squad>udpos/t1/intermediate": "255f5bc130a6fcefc4472813",
    "known-joint: encoder/squad>udpos/t1": "a2a007f4ce23eaa2c3e8cc1b",
    "known: encoder/none>xnli/t0": "9bc26897a336a8f328e59718",
    "known: tiny/squad>xquad+mlqa/s2": "129f31933a456490a365e704",
    "known: tiny/squad>mlqa/eval/s2": "bcd5eb95ff03395804e487d4",
    "known: encoder/none>tatoeba/eval/s1": "d4d6e897cb8241786460ec2d",
    "known: encoder/squad>tatoeba/eval/s1": "1e2cb091908a70f2e7fc7141",
    "known: encoder/kept>bucc/eval/s1": "58b803934c89fa838c65c397",
    "known: encoder/squad>lareqa/eval/s1": "dd8ae3257d4a075cedb37876",
}
"""Sweep and slot to the id of its phase, one for each kind of phase."""
ALL = "dcc18f03f004566b6c8fb7eb"
SWEEPS = {
    "demo.yaml": "b55e75c3da535b514bf6dafd",
    "example-own-task.yaml": "dafa871646bb705c1ae53fbb",
    "mini-xtreme.yaml": "69033f745e6b9917dd623e55",
    "phang2020-mlm.yaml": "8054cebd4448a46ff7123e2c",
    "phang2020-multitask.yaml": "798d323810ad6fdcf21afda3",
    "phang2020-translated.yaml": "00ce799823c3333470a971f5",
    "phang2020.yaml": "8b4ed244ddcfa3f8ab28503a",
    "xtreme-r-syntactic-semantic.yaml": "1d5edcdfba3363cd891490a8",
    "xtreme-r-synthetic-multilingual.yaml": "5a92eff47cb746b22218b0e1",
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
