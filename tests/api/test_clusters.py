"""What belongs to a cluster, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts

ROOT = Path(__file__).resolve().parents[2]


def test_token_is_made_where_ray_looks_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert xstilts.cluster_token() == tmp_path / "token"
    with pytest.raises(xstilts.InputError, match="is there already"):
        xstilts.cluster_token(tmp_path / "token")


def test_check_returns_what_the_command_prints(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text((ROOT / "cluster.yaml").read_text("utf-8").replace("FILL-IN", "0abc"))
    (tmp_path / "sweep.yaml").write_text(
        "name: x\nmodels: [a]\nintermediates: [none]\ntargets: [xquad]\n"
        "resources: {gpus_per_worker: 1}\n"
    )
    found = xstilts.cluster_check(file, tmp_path / "sweep.yaml").to_json()
    states = {finding["name"]: finding["state"] for finding in found["findings"]}
    assert (states["filled in"], states["room for a phase"]) == ("ok", "ok")
    with pytest.raises(xstilts.InputError, match=r"none\.yaml"):
        xstilts.cluster_check(tmp_path / "none.yaml")
