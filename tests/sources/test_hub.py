"""The door to the hub: every failure says whether the name is wrong or the network is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.check_messages import problems
from tests.support import worlds
from xstilts.errors import DataError
from xstilts.sources.base_models import model_revision
from xstilts.spec.task import Source


def test_hub_out_of_reach_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(DataError, match=r"cannot be reached .* fill a mirror"):
        model_revision("nobody/nothing-of-the-kind", worlds.context(tmp_path))
    assert "cannot be reached" in problems(
        worlds.review_task(source=Source(hub="nobody/no-such-data")), tmp_path
    )
