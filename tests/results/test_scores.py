"""The tidy table against the records it is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.support.builders import build_store, record_file, write_record
from tests.support.chains import become_chain
from xstilts.errors import CorruptError, StoreError
from xstilts.results.scores import COLUMNS, mean_over_languages, problems, table
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep

SMALL = {"targets": ("tags", "pairs"), "intermediates": ("none", "skill", "shared"), "examples": 40}


def _evaluation(frame, intermediate: str = "skill", target: str = "pairs", seed: int = 1) -> str:
    rows = frame[
        (frame["intermediate"] == intermediate)
        & (frame["target"] == target)
        & (frame["seed"] == seed)
    ]
    return rows["phase"].iloc[0]


def test_table_finished_sweep_has_one_row_a_score(tmp_path: Path) -> None:
    frame = table(*build_store(tmp_path, **SMALL))
    assert list(frame.columns) == list(COLUMNS)
    # 3 intermediates x 2 seeds x 3 languages x (2 metrics of tags + 1 of pairs)
    assert len(frame) == 3 * 2 * 3 * 3
    keys = ["sweep", "model", "intermediate", "target", "seed", "language", "split", "metric"]
    assert not frame.duplicated(keys).any()
    assert problems(frame) == []
    assert set(frame.loc[frame["primary"], "metric"]) == {"chunk_f1", "accuracy"}


def test_table_gain_is_the_value_less_the_baseline_of_the_same_seed(tmp_path: Path) -> None:
    frame = table(*build_store(tmp_path, **SMALL))
    values = frame.set_index(["intermediate", "target", "seed", "language", "metric"])
    place = ("pairs", 2, "sw", "accuracy")
    expected = values.loc[("skill", *place), "value"] - values.loc[("none", *place), "value"]
    assert values.loc[("skill", *place), "gain"] == pytest.approx(expected)
    assert frame.loc[frame["intermediate"] == "none", "gain"].isna().all()
    assert frame.loc[frame["intermediate"] != "none", "gain"].notna().all()


def test_table_marks_training_language_and_shared_data(tmp_path: Path) -> None:
    frame = table(*build_store(tmp_path, **SMALL))
    assert set(frame.loc[~frame["zero_shot"], "language"]) == {"en"}
    same = frame[frame["same_data"]]
    assert set(zip(same["intermediate"], same["target"], strict=True)) == {("shared", "tags")}
    assert frame["seen"].isna().all()


def test_table_damaged_record_costs_its_own_rows_alone(tmp_path: Path) -> None:
    store, folder = build_store(tmp_path, **SMALL)
    whole = table(store, folder)
    lost = _evaluation(whole)
    record_file(store, lost).write_text('{"id": "')
    frame = table(store, folder)
    assert len(frame) == len(whole) - 3
    (problem,) = problems(frame)
    assert "skill → pairs, seed 1" in problem
    assert "record.json" in problem
    assert str(tmp_path) not in problem


@pytest.mark.parametrize("part", ["scores", "n", "mean"])
def test_table_record_without_a_part_is_a_problem(tmp_path: Path, part: str) -> None:
    store, folder = build_store(tmp_path, **SMALL)
    phase = _evaluation(table(store, folder))
    record = json.loads(record_file(store, phase).read_text())
    del record["result"][part]
    write_record(store, phase, record)
    (problem,) = problems(table(store, folder))
    assert part in problem


def test_table_rows_are_in_the_order_of_the_tasks_languages_and_of_the_metrics(
    tmp_path: Path,
) -> None:
    frame = table(*build_store(tmp_path, **SMALL, languages=("sw", "en", "de")))
    rows = frame[frame["phase"] == _evaluation(frame, target="tags")]
    assert list(zip(rows["language"], rows["metric"], strict=True)) == [
        (language, metric)
        for language in ("sw", "en", "de")
        for metric in ("chunk_f1", "token_accuracy")
    ]
    assert set(rows["split"]) == {"test"} and set(rows["n"]) == {40}


def test_table_missing_baseline_leaves_gains_empty(tmp_path: Path) -> None:
    frame = table(*build_store(tmp_path, **{**SMALL, "intermediates": ("skill",)}))
    assert len(frame)
    assert frame["gain"].isna().all()


def test_table_nothing_evaluated_is_an_empty_table(tmp_path: Path) -> None:
    frame = table(*build_store(tmp_path, targets=("pairs",), intermediates=("broken",)))
    assert len(frame) == 0
    assert list(frame.columns) == list(COLUMNS)


def test_table_no_run_says_what_to_do(tmp_path: Path) -> None:
    store = Store(tmp_path).prepare()
    with pytest.raises(StoreError, match="xstilts run"):
        table(store, store.sweep_folder("x", 1))


def test_read_sweep_damaged_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(CorruptError, match="damaged"):
        read_sweep(tmp_path)


def test_table_chain_trained_on_the_targets_data_in_any_stage_is_same_data(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("tags", "pairs"), intermediates=("none", "shared", "noise"), examples=10
    )
    become_chain(folder, "noise", "shared", "noise")
    frame = table(store, folder)
    marked = frame[frame["same_data"]]
    assert set(zip(marked["intermediate"], marked["target"], strict=True)) == {
        ("shared", "tags"),
        ("noise", "tags"),
    }


def test_mean_over_languages_weighs_seeds_alike_however_many_languages_they_have() -> None:
    rows = pd.DataFrame({"target": "t", "seed": [1, 1, 2], "value": [10.0, 20.0, 35.0]})
    assert mean_over_languages(rows, ["target"], "seed").to_dict() == {"t": 25.0}


def test_table_language_under_another_name_is_trained_and_seen_like_itself(tmp_path: Path) -> None:
    words = ("en", "en-GB", "iw", "zh-TW", "x-made-up")
    store, folder = build_store(tmp_path / "store", **{**SMALL, "languages": words})
    card = tmp_path / "models" / "test" / "base" / "README.md"
    card.parent.mkdir(parents=True)
    card.write_text("---\nlanguage: [multilingual, eng, he, zh-Hans]\n---\n")
    settings = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps({**settings, "mirror": str(tmp_path)}))

    frame = table(store, folder)

    assert set(frame.loc[~frame["zero_shot"], "language"]) == {"en", "en-GB"}
    assert dict(zip(frame["language"], frame["seen"], strict=True)) == {
        "en": True,
        "en-GB": True,
        "iw": True,
        "zh-TW": False,  # the card states a script, and this is another
        "x-made-up": False,
    }
