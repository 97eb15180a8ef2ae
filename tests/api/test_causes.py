"""Why phases will be run: what differs from the nearest that has a record, parents first."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.api.why_worlds import FIXED, finish_all, fixed_sweep
from xstilts.errors import InputError
from xstilts.store.ledger import Entry, Ledger, State
from xstilts.store.phases import Store

TRAINED = "tiny/first>topic/t0"


def causes(file: Path) -> list[tuple[list[str], int, int]]:
    """`(changes, phases, those through their parent)` of each cause."""
    found = xstilts.why(file).to_json()["causes"]
    return [(one["changes"], one["phases"], one["by_parent"]) for one in found]


def state_of(folder: Path) -> dict[str, str]:
    """Every file with the hash of its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_finished_sweep_has_nothing_to_explain(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    found = xstilts.why(file).to_json()
    assert (found["causes"], found["open"], found["ledger"]) == ([], [], [])
    assert found["slots"]["new"] == 0 and found["slots"]["done"] == 10


def test_changed_setting_of_the_target_is_the_cause_of_its_evaluations_too(tmp_path: Path) -> None:
    finish_all(fixed_sweep(tmp_path))
    file = fixed_sweep(tmp_path, target={**FIXED, "lr": 0.002})
    assert causes(file) == [(["target.lr 0.001 -> 0.002"], 8, 4)]


def test_changed_rows_of_the_intermediate_are_the_root_of_all_that_follows(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    with (tmp_path / "rows/first.en.train.jsonl").open("a") as rows:
        rows.write('{"text": "w1", "label": "low"}\n')
    ((said, phases, by_parent),) = causes(file)
    assert said[0].startswith("data of first train changed (content hash ")
    assert (phases, by_parent) == (6, 4)
    told = xstilts.why(file, TRAINED).to_json()
    assert [change["field"] for change in told["changes"]] == ["parent.phase"]
    assert told["because"][-1]["slot"] == "tiny/first/t0"
    assert told["because"][-1]["changes"][0]["field"] == "data of first train"


def test_changed_test_rows_concern_evaluations_alone(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    with (tmp_path / "rows/topic.sw.test.jsonl").open("a") as rows:
        rows.write('{"text": "w1", "label": "low"}\n')
    ((said, phases, by_parent),) = causes(file)
    assert said[0].startswith("data of topic test changed") and (phases, by_parent) == (4, 0)


def test_new_seed_is_the_difference_of_the_new_phases_alone(tmp_path: Path) -> None:
    finish_all(fixed_sweep(tmp_path, seeds=[1]))
    found = causes(fixed_sweep(tmp_path, seeds=[1, 3]))
    assert found == [(["seed 1 -> 3"], 5, 2)]


def test_several_values_of_one_field_are_one_cause(tmp_path: Path) -> None:
    finish_all(fixed_sweep(tmp_path))
    grid = {"lr": {"choice": [0.01, 0.02, 0.03]}, "steps": 12, "batch_size": 8}
    file = fixed_sweep(
        tmp_path,
        target={**grid, "max_length_tokens": 16},
        search={"sampler": "grid"},
        seeds=[1],
    )
    found = xstilts.why(file).to_json()
    assert [one["changes"] for one in found["causes"]] == [["target.lr (several values)"]]
    (open_,) = found["open"]
    assert open_["reason"] == "a search has yet to choose what it starts from"


def test_empty_store_has_nothing_like_it(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    assert causes(file) == [([], 10, 0)]
    assert not (tmp_path / "store").exists()


def test_searched_hyperparameters_and_what_follows_are_open(tmp_path: Path) -> None:
    file = fixed_sweep(
        tmp_path, target={**FIXED, "lr": {"log": [1e-5, 1e-3]}}, search={"trials": 2}
    )
    found = xstilts.why(file, TRAINED).to_json()
    assert found["standing"] == "open"
    assert found["reason"] == "a search has yet to suggest lr"
    assert found["waits_for"] == "tiny/first>topic"


def test_open_slots_of_many_searches_share_a_line(tmp_path: Path) -> None:
    file = fixed_sweep(
        tmp_path, target={**FIXED, "lr": {"log": [1e-5, 1e-3]}}, search={"trials": 2}
    )
    found = xstilts.why(file).to_json()
    reasons = [one["reason"] for one in found["open"]]
    assert set(reasons) == {
        "a search has yet to suggest lr",
        "a search has yet to choose what it starts from",
        "what it starts from is open",
    }
    assert (
        len(reasons) == 3 and sum(one["slots"] for one in found["open"]) == found["slots"]["open"]
    )


def test_missing_data_is_named_and_the_rest_is_answered(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    (tmp_path / "rows/first.en.train.jsonl").unlink()
    found = xstilts.why(file).to_json()
    assert found["slots"]["done"] == 4
    assert any(one["reason"].startswith("task first is not known: ") for one in found["open"])


def test_failed_slot_is_told_with_its_error(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    sweep = xstilts.load(file)
    ledger = Ledger(Store(sweep.store).sweep_folder(sweep.name, sweep.version))
    fields: dict[str, Any] = {"kind": "target", "model": "local/tiny", "task": "topic", "seed": 1}
    ledger.write(Entry(slot=TRAINED, state=State.FAILED, error="out of memory\nmore", **fields))
    assert xstilts.why(file, TRAINED).to_json()["ledger"] == "failed: out of memory"
    assert xstilts.why(file).to_json()["ledger"] == [
        {"slot": TRAINED, "state": "failed: out of memory"}
    ]


def test_why_writes_nothing(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    (tmp_path / "rows/first.en.train.jsonl").touch()
    before = state_of(tmp_path)
    xstilts.why(file)
    assert state_of(tmp_path) == before


def test_damaged_record_is_passed_over(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file)
    record = next((tmp_path / "store/phases").glob("*/record.json"))
    record.write_text("{")
    assert xstilts.why(file).to_json()["slots"]["new"] >= 1


def test_unknown_slot_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'no slot "tiny/first>topik/t0"; nearest: .*topic/t0'):
        xstilts.why(fixed_sweep(tmp_path), "tiny/first>topik/t0")


def test_answer_is_json(tmp_path: Path) -> None:
    file = fixed_sweep(tmp_path)
    finish_all(file, kinds=("intermediate",))
    json.dumps(xstilts.why(file).to_json(), allow_nan=False)
    json.dumps(xstilts.why(file, TRAINED).to_json(), allow_nan=False)
