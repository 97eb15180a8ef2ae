"""The data and models that a plan reads: their revisions, and all that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep


def test_check_finds_what_is_wrong_in_model_and_data_at_once(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, models=["local/tinyy"])
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    (tmp_path / "rows/first.en.train.jsonl").write_text('{"text": "w1", "label": "middle"}\n')
    with pytest.raises(xstilts.SweepError) as caught:
        xstilts.check(file)
    text = str(caught.value)
    assert "local/tiny" in text
    assert "topic" in text
    assert "middle" in text
    assert len(caught.value.problems) >= 3
