"""What belongs to a cluster, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts


def test_token_is_made_where_ray_looks_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert xstilts.cluster_token() == tmp_path / "token"
    with pytest.raises(xstilts.InputError, match="is there already"):
        xstilts.cluster_token(tmp_path / "token")
