"""The translation model itself, tiny and real: beams, long sentences, codes of languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.transforms.transform_files import into, plain
from tests.support import transform_worlds as worlds
from xstilts.errors import DataError


def test_beams_and_batch_sizes_give_the_same_translations(model: Path, tmp_path: Path) -> None:
    rows = [
        {"text": text, "label": "a"}
        for text in ("The dog.", "The cat sees the red house in Denver.", "who?")
    ]
    made = []
    for number, spec in enumerate(({"batch_size": 1}, {"batch_size": 3}, {"beams": 3})):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(
            worlds.made(
                folder, worlds.task(folder, "classification", rows, into(model, "de", **spec))
            )
        )
    assert made[0] == made[1] == made[2]


def test_sentence_longer_than_the_model_reads_is_cut_at_blanks(model: Path, tmp_path: Path) -> None:
    # The tiny model has 62 positions, so it reads 54 tokens; 150 words are cut into halves of
    # halves.
    rows = [{"text": "the dog sees " * 50, "label": "a"}]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "classification", rows, into(model, "de")))
    assert row["text"].split() == ["der", "Hund", "sieht"] * 50


def test_code_of_a_language_can_be_given(model: Path, tmp_path: Path) -> None:
    rows = [{"text": "The dog.", "label": "a"}]
    task = worlds.task(
        tmp_path, "classification", rows, into(model, "xx", language_codes={"xx": "swh_Latn"})
    )
    assert worlds.made(tmp_path, task)[0]["text"] == "Yule mbwa."


def test_language_that_the_tokenizer_lacks_is_an_error(model: Path, tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "The dog.", "label": "a"}], into(model, "fr")
    )
    with pytest.raises(DataError, match="its tokenizer has no language `fra_Latn`"):
        worlds.made(tmp_path, task)


def test_code_of_a_model_that_is_told_no_language_goes_before_each_sentence(
    model: Path, tmp_path: Path
) -> None:
    rows = [{"text": "The dog. The cat.", "label": "a"}] * 2
    given = {"de": "deu_Latn", "sw": "swh_Latn"}
    transform = into(plain(model, tmp_path / "plain"), "de", "sw", language_codes=given)
    task = worlds.task(tmp_path, "classification", rows, transform)
    assert [row["text"] for row in worlds.made(tmp_path, task)] == [
        "Der Hund. Der Katze.",
        "Yule mbwa. Yule paka.",
    ]
