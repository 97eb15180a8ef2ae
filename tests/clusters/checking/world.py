"""Cluster files for the tests of their checks: the shipped ones, filled in and changed."""

from __future__ import annotations

from pathlib import Path

from xstilts.checks.doctor.check import Check
from xstilts.clusters import cluster_file
from xstilts.clusters.cluster_file import ClusterFile
from xstilts.planning import Plan, make_plan
from xstilts.sweep_file import loads

ROOT = Path(__file__).resolve().parents[3]
AWS = ROOT / "cluster.yaml"
GCP = ROOT / "sweeps" / "clusters" / "gcp.yaml"
LOCAL = ROOT / "sweeps" / "clusters" / "local.yaml"


def changed(folder: Path, shipped: Path, *changes: tuple[str, str]) -> ClusterFile:
    """A shipped file filled in, with some texts replaced by others."""
    text = shipped.read_text("utf-8").replace("FILL-IN", "0123abc").replace("192.0.2.", "10.0.0.")
    text = text.replace("dist/cluster", str(folder / "install"))
    text = text.replace("~/.ray/auth_token\n", f"{folder}/auth_token\n")
    for old, new in changes:
        assert old in text, f"{shipped.name} has no {old}"
        text = text.replace(old, new)
    path = folder / shipped.name
    path.write_text(text)
    return cluster_file.read(path)


def plan(resources: str = "{gpus_per_worker: 1}", model: str = "xlm-roberta-base") -> Plan:
    """The plan of a pair and its baseline."""
    text = (
        f"name: t\nmodels: [{model}]\nintermediates: [none, squad]\ntargets: [xquad]\nseeds: [1]\n"
        f"search: {{trials: 1}}\nresources: {resources}\n"
    )
    return make_plan(loads(text))


def one(checks: object, name: str) -> Check:
    """The check of that name."""
    (found,) = [check for check in checks if check.name == name]  # type: ignore[attr-defined]
    return found
