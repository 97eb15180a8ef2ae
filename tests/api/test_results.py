"""What became of a sweep, from its ledger and records."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep


def test_status_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(xstilts.XstiltsError, match="nothing has been run yet"):
        xstilts.status(make_sweep(tmp_path))
