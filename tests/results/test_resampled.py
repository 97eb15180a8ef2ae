"""Predictions under resampled examples: how they are aligned, and damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.builders import (
    build_store,
    finish_evaluation,
    predictions_file,
    write_predictions,
)
from xstilts.results.resampled import Predictions
from xstilts.results.scores import problems, table
from xstilts.results.statistics import gains
from xstilts.scoring.metrics import METRICS
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import Member, ModelParent, PhaseSpec
from xstilts.store.phases import Store
from xstilts.tasks import TASKS


def _row(
    found: pd.DataFrame, intermediate: str, target: str, level: str, language: str = ""
) -> pd.Series:
    at = (found["intermediate"] == intermediate) & (found["target"] == target)
    (row,) = (
        row
        for _, row in found[
            at & (found["level"] == level) & (found["language"] == language)
        ].iterrows()
    )
    return row


def test_gains_order_of_a_predictions_file_decides_nothing(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    before = gains(frame, store, resamples=100)
    phase = frame.loc[frame["intermediate"] == "skill", "phase"].iloc[0]
    rows = pd.read_parquet(predictions_file(store, phase, "de"))
    write_predictions(store, phase, "de", rows.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(gains(frame, store, resamples=100), before)


def test_gains_predictions_that_do_not_give_the_score_are_a_problem(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    phase = frame.loc[frame["intermediate"] == "skill", "phase"].iloc[0]
    rows = pd.read_parquet(predictions_file(store, phase, "de"))
    write_predictions(store, phase, "de", rows.assign(correct=0))
    assert "but the score says" in problems(gains(frame, store, resamples=50))[0]


def test_gains_other_examples_than_the_baseline_are_not_paired(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    phase = frame.loc[frame["intermediate"] == "skill", "phase"].iloc[0]
    rows = pd.read_parquet(predictions_file(store, phase, "de"))
    write_predictions(store, phase, "de", rows.assign(id="other-" + rows["id"]))
    found = gains(frame, store, resamples=50)
    assert "can't be paired" in problems(found)[0]
    assert np.isnan(_row(found, "skill", "pairs", "language", "de")["p"])


def test_gains_damaged_predictions_keep_the_gain_and_lose_the_interval(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    phase = frame.loc[frame["intermediate"] == "skill", "phase"].iloc[0]
    predictions_file(store, phase, "de").write_bytes(b"torn")
    found = gains(frame, store, resamples=100)
    broken = _row(found, "skill", "pairs", "language", "de")
    assert np.isfinite(broken["gain"])
    assert np.isnan(broken["p"])
    assert np.isfinite(_row(found, "skill", "pairs", "language", "sw")["p"])
    assert np.isnan(_row(found, "skill", "pairs", "mean")["low"])
    assert "no interval" in problems(found)[0]


def test_gains_mining_pairs_only_one_system_found_count_nothing_for_the_other(
    tmp_path: Path,
) -> None:
    # true pairs a, b, c. The baseline finds a and a wrong d: F1 = 2 * 1 / (2 + 3) = 40; the pair
    # finds a, b, c and a wrong e: 2 * 3 / (4 + 3) = 85.71
    def found(ids: str, hits: str, proposed: str) -> pd.DataFrame:
        columns = {"true_positives": hits, "predicted": proposed, "gold_pairs": "abc"}
        return pd.DataFrame(
            {"id": list(ids), **{name: [int(i in of) for i in ids] for name, of in columns.items()}}
        )

    store, rows = Store(tmp_path).prepare(), []
    task = TASKS["bucc"].model_copy(update={"languages": ("de",)})
    for label, rows_of in (
        ("none", found("abcd", "a", "ad")),
        ("skill", found("abce", "abc", "abce")),
    ):
        spec = PhaseSpec(
            action="evaluate",
            parent=ModelParent(model=label, revision="r"),
            members=(Member(task=task, data_revision="e"),),
            hyper=Hyperparameters(),
        )
        phase = finish_evaluation(store, spec, {"de": rows_of}, ("mining_f1",))
        rows.append(
            {
                "sweep": "s",
                "model": "m",
                "intermediate": label,
                "target": "bucc",
                "seed": 1,
                "language": "de",
                "metric": "mining_f1",
                "value": METRICS["mining_f1"].of(rows_of),
                "n": 4,
                "primary": True,
                "seen": pd.NA,
                "zero_shot": True,
                "same_data": False,
                "phase": phase,
            }
        )
    made = gains(pd.DataFrame(rows), store, resamples=300)
    assert problems(made) == []
    row = _row(made, "skill", "bucc", "mean")
    assert row["gain"] == pytest.approx(600 / 7 - 40)
    assert row["low"] < row["gain"] < row["high"]


def test_rows_with_one_id_are_all_drawn(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), examples=60
    )
    frame = table(store, folder)
    for phase in frame["phase"].unique():
        rows = pd.read_parquet(predictions_file(store, phase, "de")).sort_values("id")
        # every third row keeps its id; the two after it have the same one
        ids = rows["id"].to_numpy()[np.arange(len(rows)) // 3 * 3]
        write_predictions(store, phase, "de", rows.assign(id=ids))
    group = frame[(frame["language"] == "de") & (frame["target"] == "pairs")]
    told: list[str] = []
    drawn = Predictions(group, store, ("any",), told)
    means = drawn.resampled(400).mean(axis=0)[:, 0]
    values = group.drop_duplicates("phase").set_index("phase")["value"][drawn.phases]
    assert told == []
    np.testing.assert_allclose(means, values, atol=2)
