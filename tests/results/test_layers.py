"""Layer curves out of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.builders import finish_evaluation, predictions
from xstilts.results.gallery import palette, pictures
from xstilts.results.layers import best, curves
from xstilts.results.report import write
from xstilts.results.scores import table
from xstilts.results.statistics import gains
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseSpec
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Source, Splits, Task
from xstilts.store.ledger import Entry, Ledger, StagePhase
from xstilts.store.phases import Store
from xstilts.store.results import LayerScore
from xstilts.store.sweeps import keep_sweep, read_sweep


def _world(folder: Path, layer: int = 1, swept: bool = True) -> tuple[Store, Path]:
    """A retrieval target with three hidden states and two poolings; `a` is best in state 1, the
    baseline in state 2.
    """
    import numpy as np

    task = Task(
        name="pairs",
        format="retrieval",
        metric="accuracy",
        languages=("de", "sw"),
        splits=Splits(test="test"),
        source=Source(hub="t/pairs"),
        options=RetrievalOptions(layer=layer, sweep_layers="all"),
    )
    other = Task(
        name="a",
        format="classification",
        metric="accuracy",
        labels=("x", "y"),
        source=Source(hub="t/a"),
    )
    sweep = Sweep(
        name="s",
        models=(Model(id="t/base"),),
        intermediates=("none", "a"),
        targets=("pairs",),
        seeds=(1, 2),
        tasks=(task, other),
    )
    store = Store(folder).prepare()
    home = store.sweep_folder("s", 1)
    keep_sweep(home, sweep)
    for label in ("none", "a"):
        for seed in (1, 2):
            before = "" if label == "none" else f"intermediate{seed}"
            spec = PhaseSpec(
                action="evaluate",
                parent=ModelParent(model=f"{label}{seed}", revision="r"),
                members=(Member(task=task, data_revision="e"),),
                hyper=Hyperparameters(),
            )
            rng = np.random.default_rng(seed)
            tables = {
                one: predictions(rng, "retrieval", np.zeros(30), 0.5) for one in task.languages
            }
            swept_layers = [LayerScore(**row) for row in _layers(label, seed)] if swept else []
            phase = store.phase(finish_evaluation(store, spec, tables, ("accuracy",), swept_layers))
            slot = {
                "slot": f"{label}{seed}",
                "kind": "evaluate",
                "model": "base",
                "intermediate": label,
                "seed": seed,
            }
            stage = StagePhase(kind="intermediate", task=label, phase=before)
            ids = {"phase": phase.id, "lineage": (stage,) if before else ()}
            Ledger(home).write(Entry(**slot, **ids, task="pairs", target="pairs", state="done"))
    return store, home


def _layers(label: str, seed: int) -> list[dict[str, Any]]:
    """Mean over languages and seeds: a 10, 40, 20, the baseline 10, 20, 40; half of it with
    `cls`.
    """
    means = (10, 40, 20) if label == "a" else (10, 20, 40)
    return [
        {
            "language": language,
            "layer": layer,
            "pooling": pooling,
            "metric": metric,
            "n": 30,
            "value": (mean + shift + (1 if seed == 1 else -1)) * (1 if pooling == "mean" else 0.5),
        }
        for layer, mean in enumerate(means)
        for pooling in ("mean", "cls")
        for metric in ("accuracy", "other")
        for language, shift in (("de", 5), ("sw", -5))
    ]


def test_curves_mean_over_languages_then_seeds(tmp_path: Path) -> None:
    store, home = _world(tmp_path)
    found = curves(store, table(store, home), read_sweep(home))
    assert len(found) == 2 * 3 * 2
    at = found.set_index(["intermediate", "pooling", "layer"])["value"]
    assert at["a", "mean", 1] == pytest.approx(40)
    assert at["none", "cls", 2] == pytest.approx(20)
    assert set(found.loc[found["main"], "layer"]) == {1}
    assert set(found.loc[found["main"], "pooling"]) == {"mean"}


def test_curves_last_layer_is_the_highest_there(tmp_path: Path) -> None:
    store, home = _world(tmp_path, layer=-1)
    found = curves(store, table(store, home), read_sweep(home))
    assert set(found.loc[found["main"], "layer"]) == {2}


def test_best_says_reported_and_best_score(tmp_path: Path) -> None:
    store, home = _world(tmp_path)
    (one,) = best(curves(store, table(store, home), read_sweep(home)))
    assert one["main"] == (1, "mean")
    lines = {
        line["intermediate"]: (line["main"], line["layer"], line["pooling"], line["value"])
        for line in one["lines"]
    }
    assert lines == {"none": (20.0, 2, "mean", 40.0), "a": (40.0, 1, "mean", 40.0)}


def test_pictures_have_a_panel_for_each_pooling_and_mark_the_reported_layer(tmp_path: Path) -> None:
    store, home = _world(tmp_path)
    scores, sweep = table(store, home), read_sweep(home)
    made = pictures(
        store, scores, gains(scores, store, resamples=20), sweep, curves(store, scores, sweep)
    )
    axes = made["layers pairs"]().axes
    assert [one.get_title(loc="left") for one in axes] == ["pooling: mean", "pooling: cls"]
    assert [text.get_text() for text in axes[0].texts] == ["reported"]
    assert {line.get_color() for line in axes[1].lines} == set(palette(scores).values())


def test_curves_without_a_sweep_of_layers_are_empty(tmp_path: Path) -> None:
    store, home = _world(tmp_path, swept=False)
    found = curves(store, table(store, home), read_sweep(home))
    assert len(found) == 0
    assert best(found) == []


def test_report_has_a_section_of_layers_and_says_that_the_best_is_chosen_on_test(
    tmp_path: Path,
) -> None:
    store, home = _world(tmp_path / "store")
    files = write(store, home, tmp_path / "out", resamples=20).files
    html, markdown = files["html"].read_text(), files["markdown"].read_text()
    for text in (html, markdown):
        section = text[text.index("Layers of retrieval") :]
        assert "chosen on test" in section
        assert "hidden state 1, mean" in section
    assert (tmp_path / "out/figures/layers-pairs.png").is_file()
    assert "figures/layers-pairs.png" in markdown
    assert (
        "there is no development score" in html
    )  # nothing is trained here, so nothing can be chosen honestly
