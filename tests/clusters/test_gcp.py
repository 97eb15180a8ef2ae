"""`sweeps/clusters/gcp.yaml` is what Ray takes, keeps the rules, and is safe in Google's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xstilts.clusters import cluster_file

FILE = Path(__file__).resolve().parents[2] / "sweeps" / "clusters" / "gcp.yaml"


def nodes() -> dict[str, dict[str, Any]]:
    """What Google is asked for, by the kind of machine."""
    return {one.name: dict(one.node) for one in cluster_file.read(FILE).types}


def test_file_is_what_ray_takes_and_keeps_the_rules() -> None:
    file = cluster_file.read(FILE)
    assert (file.provider, list(cluster_file.problems(file))) == ("gcp", [])


def test_what_the_user_has_to_fill_in_is_found() -> None:
    left = "\n".join(cluster_file.unfilled(cluster_file.read(FILE)))
    for place in ("project_id", "serviceAccounts", "subnetwork", "sourceImage"):
        assert place in left
    filled = FILE.read_text().replace("FILL-IN", "lab")
    assert "# FILL IN" in filled, "comments stay"


def test_machines_have_accounts_of_their_own_instead_of_keys() -> None:
    emails = {name: node["serviceAccounts"][0]["email"] for name, node in nodes().items()}
    assert emails.pop("head").startswith("xstilts-head@")
    assert all(email.startswith("xstilts-worker@") for email in emails.values())
    assert "private_key" not in FILE.read_text() and "gcp_credentials" not in FILE.read_text()


def test_machines_are_in_a_network_of_their_own_with_ssh_to_the_head_alone() -> None:
    for name, node in nodes().items():
        (card,) = node["networkInterfaces"]
        assert card["subnetwork"].endswith("/subnetworks/xstilts")
        assert ("xstilts-head" in node["tags"]["items"]) is (name == "head")
        assert "xstilts" in node["tags"]["items"]


def test_spot_is_an_option_and_the_head_is_never_spot() -> None:
    spot = {
        name
        for name, node in nodes().items()
        if node.get("scheduling", {}).get("provisioningModel") == "SPOT"
    }
    assert spot == {"gpu-spot"}
    assert nodes()["gpu-spot"]["scheduling"]["instanceTerminationAction"] == "DELETE"
    assert {one.name: one.max_workers for one in cluster_file.read(FILE).workers}["gpu-spot"] == 0


def test_gpu_machines_can_be_moved_by_nobody_while_they_compute() -> None:
    for name, node in nodes().items():
        if name != "head":
            assert node["scheduling"]["onHostMaintenance"] == "TERMINATE"
            assert node["disks"][0]["autoDelete"] is True


def test_head_has_an_mlflow_server_that_asks_for_a_password() -> None:
    file = cluster_file.read(FILE)
    assert "xstilts cluster mlflow start && xstilts cluster mlflow login" in file.head_start
    assert any("postgresql" in command for command in file.head_setup)
    assert not any("mlflow" in command for command in file.worker_start)
