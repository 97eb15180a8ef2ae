"""Code-switching: what is looked up, how often, in which language; labels, tags and answers
survive.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.transforms.transform_files import dictionaries, switch
from tests.support import transform_worlds as worlds


def one(folder: Path, text: str, transform: dict[str, Any]) -> str:
    """What becomes of a single text."""
    task = worlds.task(folder, "classification", [{"text": text, "label": "a"}], transform)
    return str(worlds.made(folder, task)[0]["text"])


@pytest.mark.parametrize(
    ("english", "switched"),
    [
        (
            "the dog, the DOG.",
            "der hund, der HUND.",
        ),  # lower case where the form itself is missing; capitals passed on
        ("The Dog", "Der Hund"),
        (
            "I saw May in may",
            "I saw Mai in darf",
        ),  # a form that is there goes before its lower case
        ("the dog's", "der hund's"),  # the ending stays
        ("don't", "nicht"),  # one word
        ("a dogma 12", "a dogma 12"),  # unknown words and numbers stay
    ],
)
def test_word_is_looked_up_as_it_stands_then_in_lower_case(
    tmp_path: Path, english: str, switched: str
) -> None:
    dictionaries(tmp_path, de="the der;dog hund;May Mai;may darf;don't nicht")
    assert one(tmp_path, english, switch("de")) == switched


def test_dictionary_line_takes_a_tab_or_a_blank_and_several_translations(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog\tder Hund;dog\tein Hund")
    made = {one(tmp_path, "dog", {**switch("de"), "seed": seed}) for seed in range(20)}
    assert made == {"der Hund", "ein Hund"}


def test_every_word_draws_its_language_where_it_is_cross_and_a_row_has_one_where_not(
    tmp_path: Path,
) -> None:
    dictionaries(tmp_path, de="dog hund", fr="dog chien")
    rows = [{"text": "dog " * 40, "label": "a"}] * 6
    crossed = worlds.made(
        tmp_path, worlds.task(tmp_path, "classification", rows, switch("de", "fr"))
    )
    assert all({"hund", "chien"} == set(row["text"].split()) for row in crossed)
    dealt = worlds.made(
        tmp_path, worlds.task(tmp_path, "classification", rows, switch("de", "fr", cross=False))
    )
    assert [set(row["text"].split()) for row in dealt] == [{"hund"}, {"chien"}] * 3


def test_ratios_are_shares_of_rows_and_of_words(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog hund")
    rows = [{"text": "dog " * 20, "label": "a"}] * 200
    task = worlds.task(
        tmp_path, "classification", rows, switch("de", sentence_ratio=0.5, word_ratio=0.25)
    )
    counts = [row["text"].split().count("hund") for row in worlds.made(tmp_path, task)]
    switched = [n for n in counts if n]
    assert 75 < len(switched) < 125  # 100 rows, standard deviation 7
    assert (
        400 < sum(counts) < 600
    )  # a quarter of 100 x 20 words, standard deviation 19 and that of the rows
    facts = worlds.facts(tmp_path, task)
    assert facts["counts"]["words replaced"] == sum(counts)
    assert facts["counts"]["words"] == 20 * (200 - facts["counts"]["rows left English"])
    assert (facts["rows"], facts["rows_made"], facts["dropped"]) == (200, 200, {})


def test_tagged_token_is_replaced_by_one_token_only(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="dog\tgroßer Hund;cat\tdie Katze;cat\tKatze")
    rows = [{"tokens": ["the", "dog", "cat", "."], "tags": ["a", "b", "c", "a"]}]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "tagging", rows, switch("de")))
    assert row == {"tokens": ["the", "dog", "Katze", "."], "tags": [0, 1, 2, 0]}


def test_answers_of_span_qa_are_moved_exactly(tmp_path: Path) -> None:
    dictionaries(tmp_path, de="the die;dog hund;saw sah;cat katze")
    context = "The dog saw the cat, the cat's."
    #          0   4   8   12  16   21  25
    rows = [
        {
            "id": "x",
            "question": "who saw the dog?",
            "context": context,
            "answers": {"text": ["the cat", "cat", "The dog"], "answer_start": [21, 25, 0]},
        }
    ]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "span_qa", rows, switch("de")))
    # "Die hund sah die katze, die katze's."
    #  0   4    9   13  17     24  28
    assert row["context"] == "Die hund sah die katze, die katze's."
    assert row["question"] == "who sah die hund?"
    assert row["answers"] == {
        "text": ["die katze's", "katze's", "Die hund"],
        "answer_start": [24, 28, 0],
    }
