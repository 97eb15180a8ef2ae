"""The user's own translations: looked up whole, answers found again, missing ones dropped and
counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import transform_worlds as worlds
from xstilts.data import transforms
from xstilts.errors import DataError

PAIRS = [
    ("A dog.", "Ein Hund.", "de"),
    ("It sleeps.", "Er schläft.", "de"),
    ("A dog.", "Un chien.", "fr"),
    ("It sleeps.", "Il dort.", "fr"),
]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def with_column(folder: Path) -> dict[str, Any]:
    """Both languages in one file."""
    write(
        folder / "mine.jsonl",
        [{"text": t, "translation": made, "language": la} for t, made, la in PAIRS],
    )
    return {"lookup": {"files": ["mine.jsonl"], "languages": ["de", "fr"]}}


def test_rows_are_dealt_out_and_those_without_a_translation_dropped(tmp_path: Path) -> None:
    texts = [
        ("A dog.", "It sleeps."),
        ("A dog.", ""),
        ("A cat.", "It sleeps."),
        ("It sleeps.", "A dog."),
    ]
    rows = [{"text": text, "text_pair": pair, "label": "b"} for text, pair in texts]
    task = worlds.task(tmp_path, "classification", rows, with_column(tmp_path))
    made = worlds.made(tmp_path, task)
    assert [(row["text"], row["text_pair"], row["language"]) for row in made] == [
        ("Ein Hund.", "Er schläft.", "de"),
        ("Un chien.", "", "fr"),
        ("Il dort.", "Un chien.", "fr"),
    ]
    assert {row["label"] for row in made} == {1}
    facts = worlds.facts(tmp_path, task)
    assert (facts["rows"], facts["rows_made"], facts["languages"]) == (4, 3, {"de": 2, "fr": 2})
    assert facts["dropped"] == {"a text without a translation": 1}


@pytest.mark.parametrize("suffix", ["tsv", "csv"])
def test_files_by_language_are_read_in_any_table_format(tmp_path: Path, suffix: str) -> None:
    between = "\t" if suffix == "tsv" else ","
    (tmp_path / f"de.{suffix}").write_text(f"text{between}translation\nA dog.{between}Ein Hund.\n")
    transform = {"lookup": {"files": [f"{{language}}.{suffix}"], "languages": ["de"]}}
    task = worlds.task(tmp_path, "classification", [{"text": "A dog.", "label": "a"}], transform)
    assert worlds.made(tmp_path, task) == [{"text": "Ein Hund.", "label": 0, "language": "de"}]


def test_answer_is_found_where_it_lies_most_like_the_old_one(tmp_path: Path) -> None:
    context, german = (
        "Rome fell. Who saw it? Rome did.",
        "Rom fiel. Wer sah es? Rom tat es. Romane.",
    )
    #          0    5     11            23                 0    4     10         22           34
    pairs = {context: german, "Who?": "Wer?", "Rome": "Rom", "Who saw": "Niemand"}
    write(
        tmp_path / "de.jsonl", [{"text": text, "translation": made} for text, made in pairs.items()]
    )
    common = {"id": "x", "question": "Who?", "context": context}
    rows = [
        {**common, "answers": {"text": ["Rome", "Rome"], "answer_start": [0, 23]}},
        {**common, "answers": {"text": ["Who saw"], "answer_start": [11]}},
        {**common, "answers": {"text": [], "answer_start": []}},
    ]
    task = worlds.task(
        tmp_path, "span_qa", rows, {"lookup": {"files": ["{language}.jsonl"], "languages": ["de"]}}
    )
    made = worlds.made(tmp_path, task)
    # 23/32 of the context is 29.5 of the 41 German characters: 22 is nearest; `Romane` at 34 is
    # another word
    assert [row["answers"] for row in made] == [
        {"text": ["Rom", "Rom"], "answer_start": [0, 22]},
        {"text": [], "answer_start": []},
    ]
    facts = worlds.facts(tmp_path, task)
    assert facts["dropped"] == {"answer not found in the translation": 1}
    assert facts["counts"] == {"answers by their translation": 2, "answers not found": 1}


def test_column_that_is_missing_is_told(tmp_path: Path) -> None:
    write(tmp_path / "mine.jsonl", [{"text": "A dog.", "translation": "Ein Hund."}])
    transform = {"lookup": {"files": ["mine.jsonl"], "languages": ["de", "fr"]}}
    task = worlds.task(tmp_path, "classification", [{"text": "A dog.", "label": "a"}], transform)
    found = transforms.problems(task, worlds.context(tmp_path))
    assert found and all("has no column `language`" in one for one in found)


def test_language_without_a_translation_is_told(tmp_path: Path) -> None:
    transform = with_column(tmp_path)
    transform["lookup"]["languages"] = ["de", "sw"]
    task = worlds.task(tmp_path, "classification", [{"text": "A dog.", "label": "a"}], transform)
    assert "no translation into sw" in transforms.problems(task, worlds.context(tmp_path))[0]


def test_transform_that_drops_every_row_is_an_error(tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "A cat.", "label": "a"}], with_column(tmp_path)
    )
    with pytest.raises(DataError, match="dropped all 1 rows: a text without a translation"):
        worlds.made(tmp_path, task)


@pytest.mark.parametrize("format_name", ["tagging", "retrieval"])
def test_format_that_cannot_be_translated_is_told(tmp_path: Path, format_name: str) -> None:
    rows = [{"tokens": ["a"], "tags": ["a"]}]
    task = worlds.task(tmp_path, format_name, rows, with_column(tmp_path))
    (found,) = transforms.problems(task, worlds.context(tmp_path))
    assert ("has no tags" if format_name == "tagging" else "no training rows") in found
