"""What readers share: rows as a source holds them, and lines of a text file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits


def test_file_that_is_not_utf8_raises(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_bytes('{"body": "Käse", "verdict": "bad"}\n'.encode("latin-1"))
    task = worlds.review_task(source=Source(files=("r.jsonl",)), splits=Splits(train="train"))
    with pytest.raises(DataError, match="not UTF-8"):
        task_data.rows(task, "train", None, worlds.context(tmp_path))
