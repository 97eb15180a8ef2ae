"""What is found in rows before they are used, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import worlds
from xstilts.data import looked
from xstilts.data.reading import sources


def test_rows_found_good_are_not_read_again_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    first = looked.look(task, "train", context)
    assert not first.problems
    assert [(one.use, one.language, one.rows) for one in first.facts] == [
        ("train", "en", 40),
        ("dev", "en", 10),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(sources, "read", None)
        assert looked.look(task, "train", context) == first
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", [{"body": "w", "verdict": "odd"}])
    (problem,) = looked.look(task, "train", context).problems
    assert "labels outside the table" in problem
    assert looked.look(task, "train", context).problems == [problem], "looked at every time"


def test_a_damaged_note_of_what_was_found_is_made_again(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    first = looked.look(task, "train", context)
    kept = sorted((Path(context.cache) / "looked").iterdir())
    assert len(kept) == 2
    kept[0].write_text('{"task": 1}')
    kept[1].write_text("{")
    assert looked.look(task, "train", context) == first


def test_rows_with_a_hidden_label_are_left_out_and_counted(tmp_path: Path) -> None:
    task, context = worlds.review_world(tmp_path), worlds.context(tmp_path)
    rows = [{"body": "w", "verdict": label} for label in (0, 1, -1)]
    worlds.write_jsonl(tmp_path / "reviews/dev.jsonl", rows)
    dev = looked.look(task, "train", context).facts[1]
    assert dev.rows == 2
    assert dict(dev.left_out) == {"rows with a hidden label (-1)": 1}
