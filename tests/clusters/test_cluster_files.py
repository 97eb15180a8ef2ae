"""The shipped cluster files keep every rule, and what else is promised of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.clusters import cluster_file

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / "cluster.yaml"
FILES = [
    AWS,
    *(
        path
        for path in sorted((ROOT / "sweeps" / "clusters").glob("*.yaml"))
        if "\nprovider:" in path.read_text("utf-8")
    ),
]
"""Those for `ray up`."""


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def file(request: pytest.FixtureRequest) -> cluster_file.ClusterFile:
    return cluster_file.read(request.param)


def test_a_shipped_file_is_what_ray_takes_and_keeps_the_rules(
    file: cluster_file.ClusterFile,
) -> None:
    assert list(cluster_file.problems(file)) == []


def test_a_shipped_file_says_what_is_to_be_filled_in(file: cluster_file.ClusterFile) -> None:
    assert list(cluster_file.unfilled(file))
    assert "FILL IN" in file.path.read_text("utf-8")


def test_a_shipped_file_needs_no_docker(file: cluster_file.ClusterFile) -> None:
    assert not file.docker


def test_the_head_gives_no_cpu_to_phases_and_keeps_its_state(
    file: cluster_file.ClusterFile,
) -> None:
    (start,) = cluster_file.starts(file.head_start)
    assert file.head.resources.get("CPU") == 0 or "--num-cpus=0" in start
    assert "RAY_gcs_storage=rocksdb RAY_gcs_storage_path=" in start


def test_a_kind_of_gpu_is_label_and_resource(file: cluster_file.ClusterFile) -> None:
    for one in file.workers:
        if one.resources.get("GPU"):
            kind = one.labels["ray.io/accelerator-type"]
            assert one.resources[f"accelerator_type:{kind}"] == 1


def test_aws_has_workers_on_demand_and_on_spot_that_differ_in_nothing_else() -> None:
    on_demand, spot = cluster_file.read(AWS).workers
    assert spot.node == {**on_demand.node, "InstanceMarketOptions": {"MarketType": "spot"}}
    assert (spot.resources, spot.labels) == (on_demand.resources, on_demand.labels)
    assert (on_demand.min_workers, spot.min_workers, spot.max_workers) == (0, 0, 0)


def test_aws_machines_ask_for_a_token_before_they_give_their_roles_keys() -> None:
    for one in cluster_file.read(AWS).types:
        assert one.node["MetadataOptions"]["HttpTokens"] == "required"


def test_aws_workers_wait_for_the_notice_that_they_will_be_taken_away_one_process_each() -> None:
    (watching,) = [one for one in cluster_file.read(AWS).worker_start if "watch-spot" in one]
    assert "flock --nonblock" in watching and "RAY_AUTH_MODE=token" in watching
    assert watching.index("xstilts cluster watch-spot --address $RAY_HEAD_IP:6379") > 0
