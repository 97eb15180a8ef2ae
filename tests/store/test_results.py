"""Typed results: the JSON in a record has the shape that it has had from the first version on."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import pytest

from tests.spec.test_phase import spec
from tests.support.builders import evaluation_result, provenance, record_file, train_result
from xstilts.store.phases import Store
from xstilts.store.results import CurvePoint, EvaluationResult, LayerScore, Record, TrainResult

TRAINED: dict[str, Any] = {
    "curve": [
        {"dev": None, "loss": 1.5, "lr": 0.1, "step": 2},
        {"dev": 15.0, "dev_by_task": {"a": 10.0, "b": 20.0}, "loss": 1.0, "lr": 0.0, "step": 4},
    ],
    "dev": {"metric": "mean", "metrics": {"a": {"f1": 10.0}}, "step": 4, "value": 15.0},
    "examples": 32,
    "loss": 1.0,
    "seconds": 2.5,
    "steps": 4,
    "stopped": "finished",
    "tokens": 256,
}
SCORED: dict[str, Any] = {
    "mean": {"accuracy": 55.0},
    "n": {"de": 9, "en": 10},
    "rules": {"accuracy": "v1"},
    "scores": {"de": {"accuracy": 50.0}, "en": {"accuracy": 60.0}},
    "seconds": 1.5,
}
LAYERS = [
    {
        "language": "de",
        "layer": 0,
        "metric": "accuracy",
        "n": 9,
        "pooling": "mean",
        "value": 50.0,
    }
]


@pytest.mark.parametrize(
    "values",
    [
        TRAINED,
        {**TRAINED, "dev": None},
        {**TRAINED, "transformed": {"a": {"rows": 3, "dropped": {}}}},
    ],
)
def test_training_is_read_and_written_as_it_lies_in_a_record(values: dict[str, Any]) -> None:
    assert TrainResult.of_json(values).to_json() == values


@pytest.mark.parametrize("values", [SCORED, {**SCORED, "layers": LAYERS}])
def test_evaluation_is_read_and_written_as_it_lies_in_a_record(values: dict[str, Any]) -> None:
    assert EvaluationResult.of_json(values).to_json() == values


def test_results_are_read_by_attribute() -> None:
    trained, scored = TrainResult.of_json(TRAINED), EvaluationResult.of_json(SCORED)
    assert trained.dev is not None and trained.dev.metrics["a"]["f1"] == 10.0
    assert trained.curve[0] == CurvePoint(step=2, loss=1.5, lr=0.1)
    assert trained.curve[1].dev_by_task == {"a": 10.0, "b": 20.0} and trained.transformed == {}
    assert scored.scores["de"]["accuracy"] == 50.0 and list(scored.layers) == []
    with pytest.raises(FrozenInstanceError):
        trained.steps = 5  # type: ignore[misc]


@pytest.mark.parametrize("part", sorted(TRAINED))
def test_training_without_a_part_is_an_error(part: str) -> None:
    with pytest.raises((KeyError, TypeError), match=part):
        TrainResult.of_json({name: value for name, value in TRAINED.items() if name != part})


@pytest.mark.parametrize("part", sorted(SCORED))
def test_evaluation_without_a_part_is_an_error(part: str) -> None:
    with pytest.raises(TypeError, match=part):
        EvaluationResult.of_json({name: value for name, value in SCORED.items() if name != part})


def test_record_in_its_file_has_these_keys(tmp_path: Path) -> None:
    store = Store(tmp_path)
    phase = store.phase(spec().id)
    phase.finish(spec(), train_result(1.0), provenance())
    values = json.loads(record_file(store, phase.id).read_text())
    assert sorted(values) == [
        "digest",
        "files",
        "format",
        "id",
        "parent",
        "payload",
        "provenance",
        "result",
        "spec",
        "started_from",
    ]
    assert values["format"] == 2 and values["provenance"] == asdict(provenance())
    assert Record.of_json(values) == phase.record()
    assert {**phase.record().to_json(), "digest": values["digest"]} == values


def test_record_gives_the_result_of_its_own_kind() -> None:
    layers = [LayerScore("de", 0, "mean", "accuracy", 50.0, 9)]
    scored = evaluation_result({"de": {"accuracy": 50.0}}, {"de": 9}, layers)
    common: dict[str, Any] = {"payload": {}, "parent": None, "provenance": provenance()}
    common |= {"files": {}, "started_from": ""}
    one = Record(id="a", spec_json={}, result=scored, **common)
    other = Record(id="b", spec_json={}, result=train_result(1.0), **common)
    assert one.evaluated.layers[0].value == 50.0 and other.trained.steps == 10
    with pytest.raises(TypeError, match="phase a is an evaluation"):
        _ = one.trained
    with pytest.raises(TypeError, match="phase b is a training"):
        _ = other.evaluated
