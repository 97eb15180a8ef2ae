"""The verbs as functions: everything is known to be good before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.tiny import make_sweep
from xstilts.store import Store


@pytest.fixture(autouse=True)
def own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps here name mirrors of their own."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)


def test_check_good_sweep_returns_it_with_notes(tmp_path: Path) -> None:
    checked = xstilts.check(make_sweep(tmp_path))
    assert checked.to_json()["ok"]


def test_check_finds_what_is_wrong_in_model_and_data_at_once(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, models=["local/tinyy"])
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    (tmp_path / "rows/first.en.train.jsonl").write_text('{"text": "w1", "label": "middle"}\n')
    with pytest.raises(xstilts.SweepError) as caught:
        xstilts.check(file)
    text = str(caught.value)
    assert "local/tiny" in text
    assert "topic" in text
    assert "middle" in text
    assert len(caught.value.problems) >= 3


def test_run_with_bad_data_trains_nothing(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    with pytest.raises(xstilts.InputError):
        xstilts.run(file)
    assert Store(tmp_path / "store").done() == set()
    assert not (tmp_path / "store/sweeps/tiny-v1").exists()


def test_run_same_name_and_version_with_another_plan_shows_the_difference(tmp_path: Path) -> None:
    from xstilts.api import _same_plan, load

    folder = tmp_path / "sweep"
    _same_plan(folder, load(make_sweep(tmp_path)))
    _same_plan(folder, load(make_sweep(tmp_path, resources={"slots": 1}, description="other words")))
    changed = load(make_sweep(tmp_path, seeds=[1, 5]))
    with pytest.raises(xstilts.SweepError, match=r"seeds\[1\]: 2 -> 5; raise `version`"):
        _same_plan(folder, changed)


def test_plan_before_any_run_counts_nothing_as_cached_and_writes_nothing(tmp_path: Path) -> None:
    planned = xstilts.plan(make_sweep(tmp_path)).to_json()
    assert planned["cached"] == 0
    assert planned["trainings"] == {"pretrain": 0, "intermediate": 2, "target": 6}
    assert not (tmp_path / "store").exists()


def test_status_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(xstilts.XstiltsError, match="nothing has been run yet"):
        xstilts.status(make_sweep(tmp_path))


def test_sweep_value_serves_in_place_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert xstilts.plan(sweep).to_json() == xstilts.plan(tmp_path / "tiny.yaml").to_json()
