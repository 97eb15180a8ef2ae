"""The sweep files that come with the project: each says its question and its cost, loads, and can
be planned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.worlds import ROOT
from xstilts import api, sweep_file

FILES = sorted((ROOT / "sweeps").glob("*.yaml"))
PUBLISHED = [path for path in FILES if path.name.startswith(("phang2020", "xtreme-r"))]
NINE = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")


def planned(path: Path, tmp_path: Path) -> dict[str, Any]:
    return api.plan(path, store=str(tmp_path / "store")).to_json()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sweep_file_is_planned_without_any_data(path: Path, tmp_path: Path) -> None:
    answer = planned(path, tmp_path)
    assert answer["sweep"] == path.stem
    assert answer["phases"] > 0


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_sweep_says_its_question_and_its_cost(path: Path, tmp_path: Path) -> None:
    head = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert head.startswith("# Question: ") and "\n# Cost:" in head.replace(
        "Its cost:", "Cost:     "
    )
    cost = planned(path, tmp_path)["cost"]
    assert cost["total"]["examples"] > 0 and cost["total"]["tokens"] > 0
    assert cost["total"]["gpu_hours"] > cost["by_kind"]["intermediate"]["gpu_hours"] > 0
    assert cost["unknown"] == []
    assert cost["gpu"] == sweep_file.load(path).resources.gpus[0]


def test_published_sweeps_are_six() -> None:
    assert [path.stem for path in PUBLISHED] == [
        "phang2020-mlm",
        "phang2020-multitask",
        "phang2020-translated",
        "phang2020",
        "xtreme-r-syntactic-semantic",
        "xtreme-r-synthetic-multilingual",
    ]


def test_paper_grid_trains_each_phase_once(tmp_path: Path) -> None:
    # One seed: 9 intermediates; 10 starts x 6 trainings (XNLI, PAWS-X, POS, NER, SQuAD for two
    # targets, TyDiQA); 10 starts x 9 evaluations. Three seeds: three times that, but that the base
    # model alone has no seed: its two retrieval evaluations are done once. Brought by each target
    # anew, the 9 intermediates would be trained 9 x 6 times a seed.
    answer = planned(ROOT / "sweeps/phang2020.yaml", tmp_path)
    assert answer["trainings"] == {"pretrain": 0, "intermediate": 27, "target": 180}
    assert answer["evaluations"] == 3 * 10 * 9 - 2 * 2
    assert answer["shared_savings"]["intermediate"] == 27 * 6 - 27


def test_paper_grid_has_the_nine_targets_of_xtreme() -> None:
    sweep = sweep_file.load(ROOT / "sweeps/phang2020.yaml")
    assert sweep.targets == NINE
    assert len(sweep.intermediates) == 10
