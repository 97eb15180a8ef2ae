"""Numbers, times and data of a phase in MLflow's terms."""

from __future__ import annotations

import json

import pytest

from tests.support.builders import evaluation_result, provenance, task, train_result
from xstilts.spec.phase import Member
from xstilts.store.ledger import Entry, State
from xstilts.store.results import CurvePoint, LayerScore
from xstilts.tracking.numbers import (
    data_view,
    metric_key,
    milliseconds,
    scores,
    text,
    times,
    training_points,
)


def test_training_points_mixture_has_a_curve_for_each_member() -> None:
    curve = [
        CurvePoint(step=2, loss=1.0, lr=0.1, dev=15.0, dev_by_task={"a": 10.0, "b": 20.0}),
        CurvePoint(step=4, loss=0.5, lr=0.0, dev=25.0, dev_by_task={"a": 20.0, "b": 30.0}),
    ]
    result = train_result(25.0, steps=4, curve=curve)
    points = [(p.step, p.value) for p in training_points(result, 0, 1000) if p.key == "dev/b/value"]
    assert points == [(2, 20.0), (4, 30.0)]


def test_scores_layer_sweep_is_the_mean_over_languages_at_each_hidden_state() -> None:
    layers = [
        LayerScore(language, layer, "mean", "accuracy", value, 9)
        for language, values in {"de": (10.0, 30.0), "fr": (20.0, 50.0)}.items()
        for layer, value in enumerate(values)
    ]
    result = evaluation_result({"de": {"accuracy": 30.0}}, {"de": 9}, layers)
    points = {
        p.step: p.value
        for p in scores(result, "tatoeba", 1000)
        if p.key == "layers/tatoeba/mean/accuracy"
    }
    assert points == {0: 15.0, 1: 40.0}


def test_training_points_lie_between_start_and_end_by_their_step() -> None:
    curve = [CurvePoint(step=step, loss=1.0, lr=0.1, dev=None) for step in (0, 5, 10)]
    points = list(training_points(train_result(1.0, curve=curve), 1000, 2000))
    assert [p.time for p in points if p.key == "train/loss"] == [1000, 1500, 2000]


def test_times_without_a_record_are_those_of_the_state() -> None:
    entry = Entry(slot="s", kind="target", model="m", task="t", seed=1, time="2026-01-01T00:00:00Z")
    now = milliseconds("2026-01-01T00:00:00+00:00")
    assert times(entry.model_copy(update={"state": State.RUNNING}), None) == (now, None)
    assert times(entry.model_copy(update={"state": State.FAILED}), None) == (now, now)
    started, ended = times(entry, provenance())
    assert ended is not None and ended - started == 90 * 60 * 1000


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("gain", "tags", ""), "gain/tags"),
        (("score", "a+b", "zh"), "score/a_b/zh"),
        (("x" * 300,), "x" * 250),
    ],
)
def test_metric_key_has_only_what_mlflow_allows(parts: tuple[str, ...], key: str) -> None:
    assert metric_key(*parts) == key


def test_data_view_names_the_source_and_cuts_a_long_revision() -> None:
    view = data_view(Member(task=task("tags"), data_revision="d" * 64), "train")
    assert (view.name, view.digest, view.source_type) == ("tags", "d" * 36, "hugging_face")
    assert json.loads(view.source)["path"] == "test/tags"


def test_text_floats_are_short_and_the_rest_is_json() -> None:
    assert [text(value) for value in (2e-5, "linear", True, None)] == [
        "2e-05",
        "linear",
        "true",
        "null",
    ]
