"""Rows translated by a real, tiny model: labels, choices, keys, answers that are found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.data.transforms.transform_files import into
from tests.support import transform_worlds as worlds
from tests.support.tiny_translator import make_translator
from xstilts.data import transforms
from xstilts.data.transforms import translate
from xstilts.data.transforms.requests import Texts, TranslationRequests, Translations
from xstilts.data.transforms.rows import Dropped


def test_pairs_are_translated_into_each_language_in_turn_and_keep_their_labels(
    model: Path, tmp_path: Path
) -> None:
    rows = [
        {"text": "The dog sees the cat.", "text_pair": "the cat is in Denver.", "label": "b"}
    ] * 3
    task = worlds.task(tmp_path, "classification", rows, into(model, "de", "sw"))
    german = {
        "text": "Der Hund sieht der Katze.",
        "text_pair": "der Katze ist im Denver.",
        "language": "de",
        "label": 1,
    }
    swahili = {
        "text": "Yule mbwa anaona ile paka.",
        "text_pair": "ile paka ni ndani Denver.",
        "language": "sw",
        "label": 1,
    }
    assert worlds.made(tmp_path, task) == [german, swahili, german]
    assert worlds.facts(tmp_path, task)["languages"] == {"de": 2, "sw": 1}


def test_text_is_translated_by_sentence_and_keeps_its_blanks(model: Path, tmp_path: Path) -> None:
    rows = [
        {"text": "The dog sees.  The cat is red?\n1990\n\n(...) the house.", "label": "a"},
        {"text": " ", "label": "a"},
    ]
    task = worlds.task(tmp_path, "classification", rows, into(model, "de"))
    (row, empty) = worlds.made(tmp_path, task)
    assert row["text"].startswith("Der Hund sieht.  Der Katze ist rote?\n1990\n\n")
    assert empty["text"] == " "


def test_choices_are_translated_together_with_their_prefix(model: Path, tmp_path: Path) -> None:
    rows = [
        {
            "context": "The dog sees.",
            "prefix": "The cat",
            "choices": ["is red.", "sees Anna."],
            "label": 1,
        }
    ]
    (row,) = worlds.made(
        tmp_path, worlds.task(tmp_path, "multiple_choice", rows, into(model, "sw"))
    )
    assert (row["context"], row["prefix"], row["label"]) == ("Yule mbwa anaona.", "", 1)
    assert row["choices"] == ["Yule paka ni nyekundu.", "Yule paka anaona Anna."]


def test_dual_encoder_rows_keep_their_keys_and_their_empty_side(
    model: Path, tmp_path: Path
) -> None:
    rows = [
        {"query": "who sees?", "candidate": "The dog.", "key": "1"},
        {"query": "", "candidate": "The cat.", "key": "2"},
    ]
    made = worlds.made(tmp_path, worlds.task(tmp_path, "dual_encoder", rows, into(model, "de")))
    assert [(row["query"], row["candidate"], row["key"]) for row in made] == [
        ("wer sieht?", "Der Hund.", "1"),
        ("", "Der Katze.", "2"),
    ]


CONTEXT = "Anna is in Denver. The dog sees the red house, the dog is in the house."
#          0              15  19                      43


def question(*answers: tuple[str, int]) -> dict[str, Any]:
    texts, starts = [text for text, _ in answers], [start for _, start in answers]
    return {
        "id": "x",
        "question": "who sees?",
        "context": CONTEXT,
        "answers": {"text": texts, "answer_start": starts},
    }


@pytest.mark.parametrize("marks", [True, False])
def test_answers_are_found_again_by_marks_or_by_their_translation(
    tmp_path: Path, marks: bool
) -> None:
    model = make_translator(tmp_path / "model", marks=marks)
    rows = [
        question(("Denver", 11)),
        question(("The dog", 19), ("the dog", 47)),
        question(("house", 66)),
        question(),
    ]
    task = worlds.task(tmp_path, "span_qa", rows, into(model, "de"), options={"no_answer": True})
    made = worlds.made(tmp_path, task)
    german = "Anna ist im Denver. Der Hund sieht der rote Haus, der Hund ist im der Haus."
    #         0           12     20                              50                 70
    assert {row["context"] for row in made} == {german} and {row["question"] for row in made} == {
        "wer sieht?"
    }
    assert [row["answers"] for row in made] == [
        {"text": ["Denver"], "answer_start": [12]},
        {"text": ["Der Hund", "der Hund"], "answer_start": [20, 50]},
        {
            "text": ["Haus"],
            "answer_start": [70],
        },  # the second one: it lies most like the English one
        {"text": [], "answer_start": []},
    ]
    assert not worlds.misplaced(made)
    how = "answers by marks" if marks else "answers by their translation"
    assert worlds.facts(tmp_path, task)["counts"] == {how: 4}


def written(translations: Mapping[str, str | None]) -> TranslationRequests:
    """Translations that are written down; a text that is not among them has none."""

    def fetch(wanted: Texts) -> dict[str, Translations]:
        return {
            language: {text: translations.get(text) for text in texts}
            for language, texts in wanted.items()
        }

    return TranslationRequests(fetch)


def realigned(
    translations: Mapping[str, str | None], row: dict[str, Any]
) -> tuple[Any, Counter[str]]:
    ask, tally = written(translations), Counter[str]()

    def attempts() -> Any:
        try:
            translate.rewritten(row, "span_qa", "de", ask, Counter())
        except transforms.requests.Pending:
            yield

    ask.fill(attempts)
    return translate.rewritten(row, "span_qa", "de", ask, tally), tally


ROW = {
    "id": "x",
    "question": "Where?",
    "context": "She went to Munich.",
    "answers": {"text": ["Munich"], "answer_start": [12]},
}


def test_marked_sentence_takes_the_place_of_one_without_the_answer() -> None:
    translations = {
        "Where?": "Wo?",
        "She went to Munich.": "Sie ging nach Minga.",
        "Munich": "München (Stadt)",
        "She went to [Munich].": "Sie ging nach 【 München】.",
    }
    row, tally = realigned(translations, ROW)
    assert row["context"] == "Sie ging nach München."
    assert row["answers"] == {"text": ["München"], "answer_start": [14]}
    assert tally == {"answers by a marked sentence": 1}


def test_row_whose_answer_is_lost_is_dropped() -> None:
    translations = {
        "Where?": "Wo?",
        "She went to Munich.": "Sie ging dorthin.",
        "She went to [Munich].": "Sie ging [dort",
    }
    row, tally = realigned(translations, ROW)
    assert row == Dropped("answer not found in the translation") and tally == {
        "answers not found": 1
    }


def test_row_with_a_sentence_that_has_no_translation_is_dropped() -> None:
    row, _ = realigned({"Where?": "Wo?", "She went to [Munich].": "Sie ging nach [München]."}, ROW)
    assert row == Dropped("no usable translation")
