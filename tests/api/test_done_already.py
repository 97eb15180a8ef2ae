"""What a plan says of phases that are done already: all that this machine can know, and why it does
not know the rest. It asks nobody and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.tiny import make_sweep
from tests.support.worlds import ROOT
from xstilts.errors import DataError
from xstilts.sources import hub
from xstilts.spec.task import Task

FILES = sorted((ROOT / "sweeps").glob("*.yaml"))


class NoHub:
    """A hub that cannot be reached: every question is an error, and is counted."""

    asked = 0

    def _away(self) -> DataError:
        self.asked += 1
        return DataError("hub: cannot be reached (no route)")

    def commit(self, kind: hub.Kind, repository: str, revision: str) -> str:
        """Fails."""
        raise self._away()

    def names(self, kind: hub.Kind, repository: str, revision: str) -> tuple[str, ...]:
        """Fails."""
        raise self._away()

    def download(
        self,
        kind: hub.Kind,
        repository: str,
        revision: str,
        names: Sequence[str],
        folder: Path | None,
    ) -> Path:
        """Fails."""
        raise self._away()


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NoHub:
    """In the place of the hub, with an empty cache of huggingface_hub."""
    away = NoHub()
    monkeypatch.setattr(hub, "HUB", away)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no-cache"))
    return away


def store_with_a_phase(folder: Path) -> Path:
    """A store in which somebody has run something."""
    phase = folder / "phases" / "0123456789abcdef01234567"
    phase.mkdir(parents=True)
    (phase / "record.json").write_text("{}")
    return folder


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder under `folder` with its size and times."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_sweep_file_is_planned_at_once_beside_a_store_without_data_and_hub(
    file: Path, tmp_path: Path, no_hub: NoHub
) -> None:
    store = store_with_a_phase(tmp_path / "store")
    before, began = listing(store), time.monotonic()
    planned = xstilts.plan(file, store=str(store), gpu="A100-80GB").to_json()
    assert time.monotonic() - began < 5
    assert planned["phases"] > 0 and planned["cached"] == 0
    assert planned["cost"]["total"]["tokens"] > 0
    assert listing(store) == before
    assert no_hub.asked == 0
    assert not (tmp_path / "no-cache").exists()
    bare = xstilts.plan(file, store=str(tmp_path / "none"), gpu="A100-80GB").to_json()
    assert bare["not_known"] == {"phases": 0, "because": []}  # an empty store has nothing done
    assert {**planned, "not_known": {}} == {**bare, "not_known": {}}
    assert not (tmp_path / "none").exists()


def test_what_is_not_on_this_machine_is_named_with_its_phases_and_the_reason(
    tmp_path: Path, no_hub: NoHub
) -> None:
    store = store_with_a_phase(tmp_path / "store")
    planned = xstilts.plan(ROOT / "sweeps/phang2020.yaml", store=str(store)).to_json()
    because = {one["what"]: one for one in planned["not_known"]["because"]}
    licensed = because["task ccg"]
    assert licensed["phases"] == 3 * (1 + 6 + 9)  # seeds x (itself, trainings after it, scores)
    assert "ccg/{split}.conll: nothing there" in licensed["reason"]
    assert "\n" not in "".join(one["reason"] for one in because.values())
    assert because["task xnli"]["reason"] == (
        "hub dataset facebook/xnli: not downloaded to this machine yet"
    )
    model = because["model FacebookAI/xlm-roberta-large"]
    assert model["phases"] == planned["not_known"]["phases"] == planned["phases"]


def known_ids(file: Path) -> set[str]:
    """Ids of all phases of a sweep without a search, as a run would have them."""
    from xstilts import api
    from xstilts.api.opened import open_sweep
    from xstilts.planning.filling import known_phases

    opened = open_sweep(file)
    return set(known_phases(opened.plan, api.resolve(opened.plan, opened.context)).values())


FIXED: dict[str, Any] = {
    "intermediates": ["none", "first"],
    "intermediate": {"lr": 1e-3, "steps": 2, "max_length_tokens": 16},
    "target": {"lr": 1e-3, "steps": 2, "max_length_tokens": 16},
}


def test_phases_whose_data_are_here_still_count_where_others_are_not(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, **FIXED)
    ids = known_ids(file)
    for one in ids:
        store = tmp_path / "store"
        (store / "phases" / one).mkdir(parents=True)
        (store / "phases" / one / "record.json").write_text("{}")
    whole = xstilts.plan(file).to_json()
    assert (whole["cached"], whole["not_known"]["phases"]) == (whole["phases"], 0)
    assert xstilts.plan(file, nodes="2xL4").to_json()["on_cluster"]["phases"] == 0
    for path in (tmp_path / "rows").glob("first.*"):
        path.unlink()
    less = xstilts.plan(file).to_json()
    (missing,) = less["not_known"]["because"]
    assert missing["what"] == "task first" and "nothing there" in missing["reason"]
    assert less["cached"] == whole["phases"] - missing["phases"] > 0


def test_plan_keeps_no_hashes_and_no_label_tables_of_changed_files(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, **FIXED)
    known_ids(file)
    store = store_with_a_phase(tmp_path / "store")
    with (tmp_path / "rows/topic.en.train.jsonl").open("a") as rows:
        rows.write('{"text": "w1 w2", "label": "unheard of"}\n')
    before = listing(store)
    assert xstilts.plan(file).to_json()["not_known"]["phases"] == 0
    assert listing(store) == before
    (store / "data/content-hashes.json").write_bytes(b"{damaged")
    before = listing(store)
    assert xstilts.plan(file).to_json()["not_known"]["phases"] == 0
    assert listing(store) == before


def test_plan_labels_and_plans_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xstilts.api import opened
    from xstilts.data import label_tables
    from xstilts.planning import builder

    file = make_sweep(tmp_path, **FIXED)
    store_with_a_phase(tmp_path / "store")
    calls: list[str] = []

    def make_plan(*given: object) -> object:
        calls.append("plan")
        return builder.make_plan(*given)  # type: ignore[arg-type]

    real = label_tables.with_labels

    def with_labels(task: Task, context: object) -> Task:
        calls.append(task.name)
        return real(task, context)  # type: ignore[arg-type]

    monkeypatch.setattr(opened, "make_plan", make_plan)
    monkeypatch.setattr(label_tables, "with_labels", with_labels)
    xstilts.plan(file)
    assert sorted(calls) == ["first", "plan", "topic"]
