"""A plan's schedule on a cluster, from the sweep file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.errors import InputError


def simulated(file: Path, nodes: str = "2xL4", **more: Any) -> Any:
    return xstilts.plan(file, nodes=nodes, **more).to_json()["on_cluster"]


def test_plan_simulates_only_where_nodes_are_given(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, resources={})
    assert xstilts.plan(file).simulated is None
    found = simulated(file)
    json.dumps(found)
    assert found["nodes"] == "2xL4"
    assert found["phases"] == xstilts.plan(file).to_json()["phases"]
    assert not (tmp_path / "store").exists()


def test_plan_takes_prices_from_the_flag_or_the_budget(tmp_path: Path) -> None:
    gpus = {"gpus_per_worker": 1, "gpu": ["L4", "H100"]}
    prices = {"L4": 36000.0, "H100": 72000.0}
    file = make_sweep(tmp_path, resources=gpus, budget={"price_per_gpu_hour": prices})
    budget, given = simulated(file, "1xL4"), simulated(file, "1xL4", prices=[72000.0])
    assert 0 < budget["money_held"] < given["money_held"]
    assert simulated(file, "1xL4,1xT4")["money_held"] is None
    one = make_sweep(tmp_path, "one", resources=gpus, budget={"price_per_gpu_hour": 36000.0})
    assert simulated(one, "1xL4")["money_held"] == budget["money_held"]


@pytest.mark.parametrize(("name", "starts"), [("s.png", b"\x89PNG"), ("s.svg", b"<?xml")])
def test_plan_draws_the_schedule(tmp_path: Path, name: str, starts: bytes) -> None:
    simulated(make_sweep(tmp_path), gantt=tmp_path / "pictures" / name)
    assert (tmp_path / "pictures" / name).read_bytes().startswith(starts)


def test_plan_picture_of_another_kind_or_without_nodes_is_refused(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    with pytest.raises(InputError, match=r"s\.pdf: the picture of a schedule is a \.png or an"):
        simulated(file, gantt=tmp_path / "s.pdf")
    with pytest.raises(InputError, match="needs nodes to run on"):
        xstilts.plan(file, gantt=tmp_path / "s.png")
