"""Reading cluster files as Ray does, and the rules that they have to keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from xstilts.clusters import cluster_file
from xstilts.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
AWS = ROOT / "cluster.yaml"
LOCAL = ROOT / "sweeps" / "clusters" / "local.yaml"

Change = Callable[[dict[str, Any]], None]


def changed(folder: Path, path: Path, change: Change) -> cluster_file.ClusterFile:
    """A cluster file with something else in it."""
    value = yaml.safe_load(path.read_text("utf-8"))
    change(value)
    written = folder / path.name
    written.write_text(yaml.safe_dump(value), "utf-8")
    return cluster_file.read(written)


def said(file: cluster_file.ClusterFile) -> str:
    """All problems of a file."""
    return "\n".join(cluster_file.problems(file))


def replace(key: str, old: str, new: str) -> Change:
    """Other words in the commands under a key."""

    def change(value: dict[str, Any]) -> None:
        assert any(old in command for command in value[key]), f"{key} has no {old}"
        value[key] = [command.replace(old, new) for command in value[key]]

    return change


def dropped(*keys: str) -> Change:
    """Without a key, found by the names above it."""

    def change(value: dict[str, Any]) -> None:
        for key in keys[:-1]:
            value = value[key]
        del value[keys[-1]]

    return change


def put(new: Any, *keys: Any) -> Change:
    """Another value under a key."""

    def change(value: dict[str, Any]) -> None:
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = new

    return change


# -- reading


def test_a_file_of_machines_one_has_is_read_with_rays_defaults() -> None:
    file = cluster_file.read(LOCAL)
    assert (file.name, file.provider, file.docker) == ("xstilts", "local", False)
    assert [one.name for one in file.workers] == ["local.cluster.node"]
    assert file.workers[0].max_workers == len(file.settings["worker_ips"])
    assert cluster_file.starts(file.head_start)[0].startswith("ulimit -n 65536;")
    assert file.mounts["~/.ray/auth_token"] == "~/.ray/auth_token"


def test_a_file_without_commands_has_rays(tmp_path: Path) -> None:
    file = changed(tmp_path, LOCAL, dropped("head_start_ray_commands"))
    assert "ulimit -c unlimited" in file.head_start[1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "can't be read"),
        ("a: [", "is no file for `ray up`, which is one YAML document"),
        ("- a", "it has no `provider:`"),
        ("cluster_name: a\n", "it has no `provider:`"),
        (
            "cluster_name: a\nprovider: {type: cloud}\n",
            "Ray would not take it: Unsupported node provider: cloud",
        ),
        (
            "cluster_name: a\nprovider: {type: local, head_ip: a, worker_ips: []}\nnode_typs: {}\n",
            "'node_typs' was unexpected",
        ),
        ("cluster_name: a\nprovider: {type: local}\n", "Please supply a `head_ip`"),
    ],
)
def test_a_file_that_ray_would_not_take_is_said(
    text: str | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cluster.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as caught:
        cluster_file.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert why in str(caught.value)
    assert capsys.readouterr() == ("", "")


# -- rules


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (dropped("head_start_ray_commands"), "head_start_ray_commands: Ray would let anybody in"),
        (
            put(["ray stop"], "worker_start_ray_commands"),
            "worker_start_ray_commands must start Ray once; it has 0",
        ),
        (
            replace("head_start_ray_commands", "dashboard-host=127.0.0.1", "dashboard-host=::"),
            "the dashboard would listen on ::",
        ),
        (
            replace("head_start_ray_commands", "--dashboard-host=127.0.0.1 ", ""),
            "the dashboard would listen on an address of Ray",
        ),
        (
            replace("setup_commands", "chmod 700", "nc -l 0.0.0.0 99; chmod 700"),
            "opens a port on all addresses",
        ),
        (
            replace("worker_start_ray_commands", "RAY_AUTH_MODE=token", "A=b"),
            "worker_start_ray_commands: Ray would let anybody in",
        ),
        (dropped("file_mounts", "~/.ray/auth_token"), "file_mounts: the token is missing"),
        (
            replace("setup_commands", "chmod 600", "chmod 644"),
            "setup_commands: the token of the workers must be its user's",
        ),
        (
            replace("worker_start_ray_commands", "--metrics-export-port=8078", ""),
            "worker_start_ray_commands: fix the port of Ray's metrics",
        ),
        (
            replace("worker_start_ray_commands", "ulimit -n 65536", "ulimit -n 1024"),
            "worker_start_ray_commands: write `ulimit -n 65536;`",
        ),
        (
            replace("head_start_ray_commands", "trial_slot", "slot"),
            "the head has no resource `trial_slot`",
        ),
        (dropped("setup_commands"), "setup_commands: nothing installs xstilts on the head"),
        (put(0, "idle_timeout_minutes"), "idle_timeout_minutes must be above 0"),
    ],
)
def test_a_rule_that_is_broken_is_said(change: Change, why: str, tmp_path: Path) -> None:
    assert why in said(changed(tmp_path, LOCAL, change))


NODE = ("available_node_types", "gpu", "node_config")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (dropped(*NODE, "SecurityGroupIds"), "gpu.node_config has no SecurityGroupIds"),
        (dropped(*NODE, "IamInstanceProfile"), "gpu.node_config has no IamInstanceProfile"),
        (dropped(*NODE, "BlockDeviceMappings"), "gpu.node_config: its disks are not encrypted"),
        (
            put(False, *NODE, "BlockDeviceMappings", 0, "Ebs", "Encrypted"),
            "gpu.node_config: its disks are not encrypted",
        ),
        (
            put({"IpPermissions": []}, "provider", "security_group"),
            "provider.security_group adds to Ray's own group",
        ),
        (dropped("provider", "cache_stopped_nodes"), "cache_stopped_nodes must be false"),
        (
            put({"aws_secret_access_key": "x"}, "provider", "aws_credentials"),
            "a key of AWS stands in the file",
        ),
        (dropped("setup_commands"), "the head would get Ray's nightly build"),
        (dropped("head_start_ray_commands"), "the dashboard would listen on 0.0.0.0"),
        (
            dropped("available_node_types", "head", "resources", "trial_slot"),
            "the head has no resource `trial_slot`",
        ),
    ],
)
def test_a_rule_for_aws_that_is_broken_is_said(change: Change, why: str, tmp_path: Path) -> None:
    assert why in said(changed(tmp_path, AWS, change))


def test_network_cards_may_name_the_security_groups(tmp_path: Path) -> None:
    def change(value: dict[str, Any]) -> None:
        node = value["available_node_types"]["gpu"]["node_config"]
        node["NetworkInterfaces"] = [{"Groups": node.pop("SecurityGroupIds")}]

    assert said(changed(tmp_path, AWS, change)) == ""


# -- places to fill in


def test_places_left_as_shipped_are_named_for_aws() -> None:
    places = list(cluster_file.unfilled(cluster_file.read(AWS)))
    assert places[:2] == [
        "head.ImageId is still `ami-FILL-IN`; fill it in",
        "head.SecurityGroupIds[0] is still `sg-FILL-IN`; fill it in",
    ]
    assert len(places) == 6


def test_places_left_as_shipped_are_named(tmp_path: Path) -> None:
    assert list(cluster_file.unfilled(cluster_file.read(LOCAL))) == [
        "head_ip is still `192.0.2.10`; fill it in",
        "worker_ips[0] is still `192.0.2.11`; fill it in",
        "worker_ips[1] is still `192.0.2.12`; fill it in",
    ]
    filled = {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2"]}
    assert list(cluster_file.unfilled(changed(tmp_path, LOCAL, put(filled, "provider")))) == []
