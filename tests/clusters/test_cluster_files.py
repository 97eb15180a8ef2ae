"""The cluster files that come with the project keep every rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.clusters import cluster_file

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "cluster.yaml", ROOT / "sweeps/clusters/local.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_shipped_file_is_what_ray_takes_and_keeps_the_rules(path: Path) -> None:
    assert list(cluster_file.problems(cluster_file.read(path))) == []
