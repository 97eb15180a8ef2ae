"""What a cluster file says, and what is unsafe or amiss in it.

A cluster file is what `ray up` takes: machines of a cloud or machines one has, how they are set up
and how Ray is started on them. `read` takes it as Ray does (YAML 1.1, Ray's own defaults filled in,
Ray's own schema), because what Ray makes of the file is what will run: a file that leaves out its
start commands gets Ray's, which open the dashboard to the world. `problems` are the rules that a
file has to keep so that nobody but its users gets in, nothing costs money unseen, and the engine
finds what it needs. `unfilled` are the places that the user has not filled in yet. None of it asks
a cloud or a machine.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xstilts.errors import InputError

TOKEN = "~/.ray/auth_token"
"""Where Ray looks for the cluster's token on each machine."""
DOCUMENTATION = ("192.0.2.", "198.51.100.", "203.0.113.")
"""Addresses that belong to nobody (RFC 5737): those of the shipped files, to be replaced."""
NIGHTLY = "ray-wheels/latest"
"""Where Ray's default setup commands install a nightly build from."""


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """One kind of machine."""

    name: str
    resources: Mapping[str, float] = field(default_factory=dict)
    """What the file says that Ray may give out there; empty where Ray looks itself."""
    labels: Mapping[str, str] = field(default_factory=dict)
    min_workers: int = 0
    max_workers: int = 0
    node: Mapping[str, Any] = field(default_factory=dict)
    """What the cloud is asked for, in its own words (`node_config`)."""


@dataclass(frozen=True, kw_only=True)
class ClusterFile:
    """A cluster file with Ray's defaults filled in."""

    path: Path
    name: str
    provider: str
    """`aws`, `gcp`, `local` or another of Ray's."""
    settings: Mapping[str, Any]
    """The provider's section."""
    head: NodeType
    workers: tuple[NodeType, ...]
    max_workers: int
    idle_minutes: float
    mounts: Mapping[str, str]
    """Path on the machines to path on the client."""
    head_setup: tuple[str, ...]
    worker_setup: tuple[str, ...]
    head_start: tuple[str, ...]
    worker_start: tuple[str, ...]
    auth: Mapping[str, Any]
    docker: bool

    @property
    def types(self) -> tuple[NodeType, ...]:
        """The head's and the workers'."""
        return (self.head, *self.workers)


def read(path: Path | str) -> ClusterFile:
    """The file as `ray up` would take it. Raises InputError where it would not, with the reason."""
    path = Path(path)
    merged = _merged(path)
    types = {name: _node_type(name, one) for name, one in merged["available_node_types"].items()}
    head, workers = merged["head_node_type"], dict(types)
    if merged["provider"]["type"] != "local":  # there the one type is the head's and the workers'
        del workers[head]
    return ClusterFile(
        path=path,
        name=merged["cluster_name"],
        provider=merged["provider"]["type"],
        settings=merged["provider"],
        head=types[head],
        workers=tuple(workers.values()),
        max_workers=merged["max_workers"],
        idle_minutes=merged["idle_timeout_minutes"],
        mounts=merged["file_mounts"],
        head_setup=tuple(merged["head_setup_commands"]),
        worker_setup=tuple(merged["worker_setup_commands"]),
        head_start=tuple(merged["head_start_ray_commands"]),
        worker_start=tuple(merged["worker_start_ray_commands"]),
        auth=merged["auth"],
        docker=bool(merged["docker"].get("image") or merged["docker"].get("head_image")),
    )


def _merged(path: Path) -> dict[str, Any]:
    """The file with Ray's defaults, valid by Ray's schema."""
    import yaml
    from ray.autoscaler._private.util import prepare_config, validate_config

    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read ({error}); give a cluster file") from error
    except yaml.YAMLError as error:
        raise InputError(
            f"{path}: is no file for `ray up`, which is one YAML document; files for kubectl and "
            f"sbatch are not checked here ({error})"
        ) from error
    if not isinstance(given, dict) or "provider" not in given:
        raise InputError(f"{path}: is no cluster file: it has no `provider:`")
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            merged = prepare_config(given)
            validate_config(merged)
    except (Exception, SystemExit) as error:
        why = getattr(error, "message", "") or str(error) or said.getvalue()
        raise InputError(f"{path}: Ray would not take it: {why.strip()}") from error
    return dict(merged)


def _node_type(name: str, given: Mapping[str, Any]) -> NodeType:
    return NodeType(
        name=name,
        resources=given.get("resources") or {},
        labels=given.get("labels") or {},
        min_workers=given.get("min_workers") or 0,
        max_workers=given.get("max_workers") or 0,
        node=given.get("node_config") or {},
    )


# -- what is amiss


def problems(file: ClusterFile) -> Iterator[str]:
    """Every rule that the file breaks, each with what to do."""
    for rule in RULES:
        yield from rule(file)


def unfilled(file: ClusterFile) -> Iterator[str]:
    """Every place of the file that still has what the shipped file has for the user to replace."""
    for place, value in _texts("", file.settings):
        yield from _left(place, value)
    for place, value in _texts("auth", file.auth):
        yield from _left(place, value)
    for one in file.types:
        for place, value in _texts(one.name, one.node):
            yield from _left(place, value)
    for command in (*file.head_setup, *file.worker_setup, *file.head_start, *file.worker_start):
        yield from _left("a command", command)


def _left(place: str, value: str) -> Iterator[str]:
    if "FILL-IN" in value or value.startswith(DOCUMENTATION):
        yield f"{place} is still `{value}`; fill it in"


def _texts(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the place where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{place}.{key}" if place else str(key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(f"{place}[{number}]", inner)
    elif isinstance(value, str):
        yield place, value


def starts(commands: tuple[str, ...]) -> tuple[str, ...]:
    """Those commands that start Ray."""
    return tuple(command for command in commands if re.search(r"\bray start\b", command))


def _both(file: ClusterFile) -> Iterator[tuple[str, str]]:
    """Each command that starts Ray, with the key of the file where it stands."""
    for key, commands in (
        ("head_start_ray_commands", file.head_start),
        ("worker_start_ray_commands", file.worker_start),
    ):
        yield from ((key, command) for command in starts(commands))


def starts_ray(file: ClusterFile) -> Iterator[str]:
    """One command each starts Ray on the head and on workers."""
    for key, commands in (
        ("head_start_ray_commands", file.head_start),
        ("worker_start_ray_commands", file.worker_start),
    ):
        if len(starts(commands)) != 1:
            yield f"{key} must start Ray once; it has {len(starts(commands))} `ray start`"


def dashboard_on_loopback(file: ClusterFile) -> Iterator[str]:
    """Ray's default for AWS opens the dashboard, which runs jobs, on every address."""
    for command in starts(file.head_start):
        host = re.search(r"--dashboard-host[= ]([^\s;]+)", command)
        if not host or host[1] not in ("127.0.0.1", "localhost"):
            yield (
                "head_start_ray_commands: the dashboard would listen on "
                f"{host[1] if host else 'an address of Ray'}; write --dashboard-host=127.0.0.1 "
                "and reach it with `ray dashboard`"
            )


def nothing_on_all_addresses(file: ClusterFile) -> Iterator[str]:
    """No command opens something on all addresses."""
    for key, commands in (
        ("head_start_ray_commands", file.head_start),
        ("worker_start_ray_commands", file.worker_start),
        ("setup commands of the head", file.head_setup),
        ("setup commands of the workers", file.worker_setup),
    ):
        for command in commands:
            if "0.0.0.0" in command or "[::]" in command:
                yield f"{key}: `{command}` opens a port on all addresses; use 127.0.0.1"


def token_asked(file: ClusterFile) -> Iterator[str]:
    """Ray asks everybody for the cluster's token, which only its user may read."""
    for key, command in _both(file):
        if "RAY_AUTH_MODE=token" not in command:
            yield f"{key}: Ray would let anybody in; set RAY_AUTH_MODE=token before `ray start`"
    if TOKEN not in file.mounts:
        yield f"file_mounts: the token is missing; add {TOKEN}: {TOKEN}"
    for key, commands in (("head", file.head_setup), ("workers", file.worker_setup)):
        if not any(re.search(r"chmod 0?600 \S*auth_token", command) for command in commands):
            yield f"setup_commands: the token of the {key} must be its user's: chmod 600 {TOKEN}"


def metrics_ports_fixed(file: ClusterFile) -> Iterator[str]:
    """Ray's pages of numbers answer without the token: a firewall must know where they are."""
    for key, command in _both(file):
        if not re.search(r"--metrics-export-port[= ]\d+", command):
            yield f"{key}: fix the port of Ray's metrics with --metrics-export-port"


def files_enough(file: ClusterFile) -> Iterator[str]:
    """Ray opens thousands of files; short of them, it fails and blames something else."""
    for key, command in _both(file):
        limit = re.search(r"ulimit -n (\d+)", command)
        if not limit or int(limit[1]) < 65536:
            yield f"{key}: write `ulimit -n 65536;` before `ray start`"


def trials_can_wait(file: ClusterFile) -> Iterator[str]:
    """Phases of several workers wait on the head's resource `trial_slot`."""
    if "trial_slot" in file.head.resources:
        return
    for command in starts(file.head_start):
        given = re.search(r"--resources[= ]'([^']*)'", command)
        if not given or "trial_slot" not in _json(given[1]):
            yield "the head has no resource `trial_slot`; add --resources='{\"trial_slot\": 64}'"


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def own_setup(file: ClusterFile) -> Iterator[str]:
    """The versions are the project's, not Ray's nightly build."""
    for key, commands in (("head", file.head_setup), ("workers", file.worker_setup)):
        if any(NIGHTLY in command for command in commands):
            yield f"setup_commands: the {key} would get Ray's nightly build; write your own"
        if not any("xstilts" in command for command in commands) and not file.docker:
            yield f"setup_commands: nothing installs xstilts on the {key}"


def idle_nodes_go(file: ClusterFile) -> Iterator[str]:
    """Idle machines are ended, not stopped: a stopped one still costs its disk, unseen."""
    if file.idle_minutes <= 0:
        yield "idle_timeout_minutes must be above 0, or idle machines are never taken down"
    if file.provider in ("aws", "gcp") and file.settings.get("cache_stopped_nodes", True):
        yield "provider.cache_stopped_nodes must be false: stopped machines still cost their disks"


def own_security_groups(file: ClusterFile) -> Iterator[str]:
    """Ray's own security group opens SSH to the whole world, and rules are only added to it."""
    if file.provider != "aws":
        return
    if "security_group" in file.settings:
        yield (
            "provider.security_group adds to Ray's own group, which opens port 22 to the world; "
            "give SecurityGroupIds in every node_config instead"
        )
    for one in file.types:
        cards = one.node.get("NetworkInterfaces") or [{}]
        if not one.node.get("SecurityGroupIds") and not all(card.get("Groups") for card in cards):
            yield (
                f"available_node_types.{one.name}.node_config has no SecurityGroupIds; Ray would "
                "make a group that opens port 22 to the world"
            )


def roles_not_keys(file: ClusterFile) -> Iterator[str]:
    """Machines of AWS get their rights from a role; no key is written anywhere."""
    if file.provider != "aws":
        return
    for one in file.types:
        if not one.node.get("IamInstanceProfile"):
            yield (
                f"available_node_types.{one.name}.node_config has no IamInstanceProfile: "
                "its phases could not reach the bucket"
            )
    secret = re.compile(r"AKIA[0-9A-Z]{12,}|aws_secret_access_key", re.IGNORECASE)
    texts = [place + text for place, text in _texts("", file.settings)]
    if any(secret.search(t) for t in (*texts, *file.head_setup, *file.head_start)):
        yield "a key of AWS stands in the file; remove it and give the machines a role"


def disks_encrypted(file: ClusterFile) -> Iterator[str]:
    """Disks of AWS hold data and checkpoints."""
    if file.provider != "aws":
        return
    for one in file.types:
        disks = [disk.get("Ebs", {}) for disk in one.node.get("BlockDeviceMappings", ())]
        if not disks or not all(disk.get("Encrypted") for disk in disks):
            yield (
                f"available_node_types.{one.name}.node_config: its disks are not encrypted; "
                "write `Encrypted: true` in BlockDeviceMappings"
            )


RULES = (
    starts_ray,
    dashboard_on_loopback,
    nothing_on_all_addresses,
    token_asked,
    metrics_ports_fixed,
    files_enough,
    trials_can_wait,
    own_setup,
    idle_nodes_go,
    own_security_groups,
    roles_not_keys,
    disks_encrypted,
)
"""Each names what it finds; `xstilts cluster check` says them all."""
