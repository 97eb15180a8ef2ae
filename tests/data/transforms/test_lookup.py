"""The user's own translations: read from tables, looked up whole, answers found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.transforms.transform_files import write
from tests.support import transform_worlds as worlds
from xstilts.data import transforms
from xstilts.data.transforms import lookup


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
        tmp_path,
        "span_qa",
        rows,
        {"lookup": {"files": ["{language}.jsonl"], "languages": ["de"]}},
        options={"no_answer": True},
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


@pytest.mark.parametrize(
    ("asked", "there", "found"),
    [
        ("zh-CN", ("zh", "de"), ["zh"]),
        ("iw", ("he", "de"), ["he"]),
        ("pt-PT", ("pt-BR", "pt-PT"), ["pt-PT"]),
        ("zh-Hant", ("zh", "de"), []),
    ],
)
def test_language_of_a_row_is_found_under_another_name(
    tmp_path: Path, asked: str, there: tuple[str, ...], found: list[str]
) -> None:
    rows = [{"text": one, "translation": one, "language": one} for one in there]
    write(tmp_path / "mine.jsonl", rows)
    table = lookup.read([tmp_path / "mine.jsonl"], asked, named=False, several=True)
    assert list(table) == found
