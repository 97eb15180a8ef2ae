"""The machines of a file against a sweep: what would wait without end, or cost for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clusters.checking.world import AWS, GCP, LOCAL, changed, one, plan
from xstilts.checks.doctor.check import Check
from xstilts.clusters.checking import machines
from xstilts.clusters.cluster_file import NodeType

L40S, T4 = "accelerator-type: L40S", "accelerator-type: T4"


def check(folder: Path, name: str, *changes: tuple[str, str], **sweep: Any) -> Check:
    """One check of the AWS file, changed, against a sweep."""
    file = changed(folder, AWS, *changes)
    return one(machines.checks(file, plan(**sweep), "."), name)


def test_shipped_files_are_well_for_a_sweep_with_a_gpu(tmp_path: Path) -> None:
    for shipped in (AWS, GCP):
        found = list(machines.checks(changed(tmp_path, shipped), plan(), "."))
        assert [one.state for one in found] == ["ok"] * len(found)
        assert "memory of gpu" in [one.name for one in found]


def test_machines_of_one_s_own_are_not_held_to_the_sweep(tmp_path: Path) -> None:
    names = [one.name for one in machines.checks(changed(tmp_path, LOCAL), plan(), ".")]
    assert names == ["head", "idle machines", "quota"]


def test_without_a_sweep_that_is_said(tmp_path: Path) -> None:
    found = one(machines.checks(changed(tmp_path, AWS), None, "."), "sweep")
    assert found.ok and "none given" in found.what


@pytest.mark.parametrize(
    ("node", "spot"),
    [
        ({}, False),
        ({"InstanceMarketOptions": {"MarketType": "spot"}}, True),
        ({"scheduling": {"provisioningModel": "SPOT"}}, True),
        ({"scheduling": [{"preemptible": True}]}, True),
        ({"scheduling": {"onHostMaintenance": "TERMINATE"}}, False),
    ],
)
def test_spot_is_known_in_both_clouds_words(node: dict[str, Any], spot: bool) -> None:
    assert machines.is_spot(NodeType(name="a", node=node)) is spot


def test_spot_head_is_a_problem(tmp_path: Path) -> None:
    option = (
        "InstanceType: m7i.xlarge",
        "InstanceType: m7i.xlarge\n      InstanceMarketOptions: {MarketType: spot}",
    )
    found = check(tmp_path, "head", option)
    assert found.state == "fail" and "with it go the driver, MLflow" in found.what


def test_long_idle_time_is_advice(tmp_path: Path) -> None:
    found = check(tmp_path, "idle machines", ("minutes: 10", "minutes: 600"))
    assert found.state == "warn"


def test_no_workers_are_a_problem_and_spot_alone_is_advice(tmp_path: Path) -> None:
    none = check(tmp_path, "workers", ("max_workers: 4", "max_workers: 0"))
    assert none.state == "fail" and "max_workers is 0" in none.what
    # the kind on demand has none, the spot kind has two
    text = (
        "    max_workers: 0\n    resources: {CPU: 4",
        "    max_workers: 2\n    resources: {CPU: 4",
    )
    spot = check(tmp_path, "workers", text, ("max_workers: 4", "max_workers: 0"))
    assert spot.state == "warn" and "all workers are spot" in spot.what


@pytest.mark.parametrize(
    ("resources", "state", "said"),
    [
        ("{gpus_per_worker: 1}", "ok", "4 fit at once"),
        ("{gpus_per_worker: 0.5, cpus_per_worker: 2}", "ok", "8 fit at once"),
        ("{gpus_per_worker: 1, workers: 2}", "ok", "2 fit at once"),
        ("{gpus_per_worker: 1, workers: 5}", "fail", "no room for it"),
        ("{gpus_per_worker: 1, workers: 2, cpus_per_worker: 5}", "fail", "2 x (5 CPU, 1 GPU)"),
        ("{cpus_per_worker: 8}", "fail", "gpu: 4 CPU 1 GPU (L40S)"),
        ("{gpus_per_worker: 1, gpu: L40S}", "ok", "1 GPU of L40S); 4 fit at once"),
        ("{gpus_per_worker: 1, gpu: [H100, L40S]}", "ok", "1 GPU of H100 or L40S); 4 fit"),
        ("{gpus_per_worker: 1, gpu: A100-80GB}", "fail", "1 GPU of A100-80GB); the largest"),
    ],
)
def test_room_for_a_phase_is_counted(tmp_path: Path, resources: str, state: str, said: str) -> None:
    found = check(tmp_path, "room for a phase", resources=resources)
    assert found.state == state and said in found.what


def test_kinds_together_are_no_more_than_the_cluster_may_have(tmp_path: Path) -> None:
    text = (
        "    max_workers: 0\n    resources: {CPU: 4",
        "    max_workers: 9\n    resources: {CPU: 4",
    )
    found = check(tmp_path, "room for a phase", text)
    assert found.ok and "; 8 fit at once" in found.what


def test_few_trial_slots_are_advice_for_phases_of_several_workers(tmp_path: Path) -> None:
    two = "{gpus_per_worker: 1, workers: 2}"
    assert check(tmp_path, "trial slots", resources=two).ok
    few = check(tmp_path, "trial slots", ("trial_slot: 64", "trial_slot: 1"), resources=two)
    assert few.state == "warn" and "1 on the head, and 2 phases fit at once" in few.what


def test_gpus_that_no_phase_asks_for_are_advice(tmp_path: Path) -> None:
    found = check(tmp_path, "GPUs", resources="{slots: 2}")
    assert found.state == "warn" and "paid and idle" in found.what


@pytest.mark.parametrize(
    ("model", "kind", "state"),
    [
        ("xlm-roberta-base", T4, "ok"),
        ("xlm-roberta-xl", L40S, "fail"),
        ("xlm-roberta-large", "accelerator-type: H200", "ok"),
    ],
)
def test_largest_training_is_held_to_the_memory_of_the_gpu(
    tmp_path: Path, model: str, kind: str, state: str
) -> None:
    found = check(tmp_path, "memory of gpu", (L40S, kind), model=model)
    assert found.state == state
    assert "GB at least, of" in found.what


def test_memory_that_cannot_be_told_is_said_to_be_so(tmp_path: Path) -> None:
    kind = check(tmp_path, "memory of gpu", (L40S, "accelerator-type: B9000"))
    assert kind.ok and "can't be told: B9000" in kind.what
    model = check(tmp_path, "memory of gpu", model="nobody/model")
    assert model.ok and "not known here: model" in model.what


def test_quota_is_said_not_to_be_known(tmp_path: Path) -> None:
    found = check(tmp_path, "quota")
    assert found.ok
    assert "not known from here" in found.what and "4 x g6e.xlarge" in found.what
