"""What came of a transform: rows dropped by reason, words replaced."""

from __future__ import annotations

from pathlib import Path

from tests.data.transforms.transform_files import into
from tests.support import transform_worlds as worlds
from xstilts.data import transforms
from xstilts.data.transforms import notes
from xstilts.spec.task import Limits
from xstilts.spec.transforms import Pseudo, Transform


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
    assert transforms.summary_line(task, worlds.context(tmp_path)) == (
        "own: its transform made 1 rows from 2; 1 were dropped: no usable translation (1)"
    )


def test_facts_of_a_transform_that_was_not_applied_are_none_and_nothing_is_told(
    tmp_path: Path,
) -> None:
    rows = [{"text": "a dog", "label": "a"}]
    task = worlds.task(tmp_path, "classification", rows, {"pseudo": {}})
    assert transforms.facts(task, worlds.context(tmp_path)) is None
    assert transforms.summary_line(task, worlds.context(tmp_path)) == ""
    plain = task.model_copy(update={"transform": None})
    assert transforms.facts(plain, worlds.context(tmp_path)) is None


def test_facts_of_other_rows_or_of_another_transform_are_not_shown(tmp_path: Path) -> None:
    rows = [{"text": "a dog", "label": "a"}] * 4
    task = worlds.task(tmp_path, "classification", rows, {"pseudo": {}})
    worlds.made(tmp_path, task)
    assert worlds.facts(tmp_path, task)["rows"] == 4
    renamed = task.model_copy(update={"name": "other", "labels": ("a",)})
    assert worlds.facts(tmp_path, renamed)["rows"] == 4
    for update in ({"limits": Limits(train=2)}, {"transform": Transform(pseudo=Pseudo(), seed=1)}):
        assert transforms.facts(task.model_copy(update=update), worlds.context(tmp_path)) is None


def test_told_has_the_share_of_words_that_were_replaced(tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_text("dog hund\n")
    rows = [{"text": "a dog", "label": "a"}] * 4
    transform = {"dictionary": {"files": ["de.txt"], "languages": ["de"], "word_ratio": 1.0}}
    task = worlds.task(tmp_path, "classification", rows, transform)
    worlds.made(tmp_path, task)
    assert transforms.summary_line(task, worlds.context(tmp_path)) == (
        "own: its transform made 4 rows from 4; 50% of the words are replaced"
    )


def test_reasons_name_what_was_dropped_and_nothing_else() -> None:
    tally = {"words": 7, notes.DROPPED + "no translation": 2, notes.DROPPED + "too long": 1}
    assert notes.reasons(tally) == "no translation (2), too long (1)"
