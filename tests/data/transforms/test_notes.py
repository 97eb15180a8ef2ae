"""What came of a transform: rows dropped by reason, words replaced."""

from __future__ import annotations

from pathlib import Path

from tests.data.transforms.transform_files import into
from tests.support import transform_worlds as worlds
from xstilts.data import transforms


def test_translation_that_does_not_end_is_none_and_its_row_dropped(
    model: Path, tmp_path: Path
) -> None:
    # Eight new tokens suffice for the language, six words or marks, and the end; not for seven.
    rows = [
        {"text": "The dog sees the cat.", "label": "a"},
        {"text": "The dog sees the red cat.", "label": "a"},
    ]
    task = worlds.task(tmp_path, "classification", rows, into(model, "de", max_new_tokens=8))
    assert [row["text"] for row in worlds.made(tmp_path, task)] == ["Der Hund sieht der Katze."]
    assert worlds.facts(tmp_path, task)["dropped"] == {"no usable translation": 1}
    assert transforms.told(task, worlds.context(tmp_path)) == (
        "own: its transform made 1 rows of 2; 1 were dropped: no usable translation (1)"
    )
