"""The own formats of benchmarks: BUCC's three files, SQuAD's JSON and LAReQA's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.reading.bench_files import task
from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.task import Source, Splits, Task

# -- BUCC


def bucc(folder: Path, pattern: str, flat: bool = False) -> Task:
    """German and Russian files in BUCC's layout: one gold pair and unpaired sentences, in two
    splits.
    """
    for language in ("de", "ru"):
        pair = f"{language}-en"
        home = folder if flat else folder / pair
        home.mkdir(parents=True, exist_ok=True)
        for split in ("sample", "training"):
            sides = {language: ("eins", "zwei", "drei"), "en": ("one", "two")}
            for side, texts in sides.items():
                lines = [f"{side}-{i}\t{text} {split}\n" for i, text in enumerate(texts)]
                (home / f"{pair}.{split}.{side}").write_text("".join(lines), encoding="utf-8")
            (home / f"{pair}.{split}.gold").write_text(f"{language}-1\ten-1\n")
    return Task(
        name="bucc",
        format="mining",
        metric="mining_f1",
        languages=("de", "ru"),
        source=Source(files=(pattern,), file_format="bucc"),
        splits=Splits(dev="sample", test="training"),
    )


@pytest.mark.parametrize(
    ("pattern", "flat"),
    [
        ("{language}-en", False),
        ("{language}-en/{language}-en.{split}.gold", False),
        ("{language}-en.{split}.gold", True),
        (".", True),
    ],
)
def test_bucc_rows_are_gold_pairs_then_the_unpaired_of_each_side(
    tmp_path: Path, pattern: str, flat: bool
) -> None:
    made, context = bucc(tmp_path, pattern, flat), worlds.context(tmp_path)
    if pattern == ".":
        made = made.model_copy(update={"languages": ("de",)})
    rows = task_data.rows(made, "dev", "de", context)
    assert list(zip(rows["source_sentence"], rows["target_sentence"], strict=True)) == [
        ("zwei sample", "two sample"),
        ("eins sample", ""),
        ("drei sample", ""),
        ("", "one sample"),
    ]
    assert list(zip(rows["source_id"], rows["target_id"], strict=True)) == [
        ("de-1", "en-1"),
        ("de-0", ""),
        ("de-2", ""),
        ("", "en-0"),
    ]
    assert task_data.rows(made, "test", "de", context)["source_sentence"][0] == "zwei training"
    assert task_data.sizes(made, "test", "de", context) == 4
    assert task_data.check(made, "evaluate", context) == []


def test_bucc_sentences_are_part_of_the_revision(tmp_path: Path) -> None:
    made, context = bucc(tmp_path, "{language}-en"), worlds.context(tmp_path)
    first = task_data.revision(made, "evaluate", context)
    with open(tmp_path / "ru-en" / "ru-en.training.en", "a") as file:
        file.write("en-9\tmore\n")
    assert task_data.revision(made, "evaluate", context) != first


def test_bucc_without_its_sentences_says_what_must_lie_there(tmp_path: Path) -> None:
    made = bucc(tmp_path, "{language}-en")
    (tmp_path / "de-en" / "de-en.sample.en").unlink()
    with pytest.raises(DataError, match=r"de-en\.sample\.en must lie beside it"):
        task_data.rows(made, "dev", "de", worlds.context(tmp_path))


def test_bucc_gold_id_that_is_no_sentence_raises(tmp_path: Path) -> None:
    made = bucc(tmp_path, "{language}-en")
    (tmp_path / "de-en" / "de-en.sample.gold").write_text("de-1\ten-7\n")
    with pytest.raises(DataError, match=r"1 ids, first en-7, are not in de-en\.sample\.en"):
        task_data.rows(made, "dev", "de", worlds.context(tmp_path))


def test_bucc_line_without_a_tab_raises_with_its_place(tmp_path: Path) -> None:
    made = bucc(tmp_path, "{language}-en")
    (tmp_path / "de-en" / "de-en.sample.de").write_text("de-1 zwei\n")
    with pytest.raises(DataError, match=r"de-en\.sample\.de:1: `de-1 zwei` must be two values"):
        task_data.rows(made, "dev", "de", worlds.context(tmp_path))


def test_bucc_id_of_two_sentences_raises(tmp_path: Path) -> None:
    made = bucc(tmp_path, "{language}-en")
    with open(tmp_path / "de-en" / "de-en.sample.de", "a") as file:
        file.write("de-1\tanders\n")
    with pytest.raises(DataError, match=r"sample\.de: two sentences have the id de-1"):
        task_data.rows(made, "dev", "de", worlds.context(tmp_path))


# -- SQuAD's JSON


CONTEXT = "It rained. The cat slept on the mat. Then it left."
"""Sentences at 0-10, 11-36, 37-50."""


def squad(folder: Path, qas: list[dict[str, Any]], **paragraph: Any) -> None:
    """Writes `q.json`: one article with one paragraph."""
    content = {
        "version": "1.1",
        "data": [{"title": "Cats", "paragraphs": [{"context": CONTEXT, "qas": qas, **paragraph}]}],
    }
    (folder / "q.json").write_text(json.dumps(content), encoding="utf-8")


def question(name: str, text: str) -> dict[str, Any]:
    """A question about CONTEXT whose answer is `text`; none where it is empty."""
    answers = [{"text": text, "answer_start": CONTEXT.index(text)}] if text else []
    return {"id": name, "question": f"{name}?", "answers": answers, "is_impossible": not text}


def test_squad_json_rows_are_questions(tmp_path: Path) -> None:
    squad(tmp_path, [question("a", "cat"), question("b", "mat")])
    rows = task_data.rows(
        task("span_qa", "q.json", "squad_json"), "train", None, worlds.context(tmp_path)
    )
    assert rows[0] == {
        "id": "a",
        "question": "a?",
        "context": CONTEXT,
        "answers": {"text": ["cat"], "answer_start": [15]},
    }
    assert rows["id"][:] == ["a", "b"]


def test_squad_json_without_answers_needs_the_option(tmp_path: Path) -> None:
    squad(tmp_path, [question("a", "")])
    made, context = task("span_qa", "q.json", "squad_json"), worlds.context(tmp_path)
    with pytest.raises(DataError, match=r"none of the 1 rows has an answer.*no_answer: true"):
        task_data.rows(made, "train", None, context)
    allowed = made.model_copy(
        update={"options": made.options.model_copy(update={"no_answer": True})}
    )
    assert task_data.check(allowed, "evaluate", context) == []
    squad(tmp_path, [question("a", ""), question("b", "cat")])
    assert task_data.check(made, "evaluate", context) == []
    assert list(task_data.rows(made, "train", None, context)["id"]) == ["b"]
    both = task_data.rows(allowed, "train", None, context)
    assert list(both["id"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{oops", "not JSON"),
        ('{"rows": []}', "is JSON, but not SQuAD's"),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', "has no `context`"),
        (
            '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1}]}]}]}',
            "question 1 has no `question`",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "x", "qas": [{"id": 1, "question": 2}]}]}]}',
            "`question` is 2; must be a text",
        ),
    ],
)
def test_squad_json_that_is_none_raises(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(DataError, match=message):
        task_data.rows(
            task("span_qa", "q.json", "squad_json"), "train", None, worlds.context(tmp_path)
        )


# -- LAReQA's JSON


def test_xquad_r_rows_are_questions_with_their_sentences_then_the_other_sentences(
    tmp_path: Path,
) -> None:
    questions = [question("a", "cat"), question("b", "mat"), question("c", "rained")]
    squad(tmp_path, questions, sentence_breaks=[[0, 10], [11, 36], [37, 50]])
    made, context = task("dual_encoder", "q.json", "xquad_r"), worlds.context(tmp_path)
    rows = task_data.rows(made, "test", "en", context)
    assert rows.column_names == ["query", "candidate", "candidate_pair", "key"]
    assert list(zip(rows["query"], rows["candidate"], rows["key"], strict=True)) == [
        ("a?", "The cat slept on the mat.", "a"),
        ("b?", "The cat slept on the mat.", "b"),
        ("c?", "It rained.", "c"),
        ("", "Then it left.", "q/0/2"),
    ]
    assert set(rows["candidate_pair"]) == {CONTEXT}
    assert task_data.sizes(made, "test", "en", context) == 4
    assert task_data.check(made, "evaluate", context) == []


def test_xquad_r_question_between_sentences_is_left_out(tmp_path: Path) -> None:
    squad(tmp_path, [question("a", "cat"), question("b", "rained")], sentence_breaks=[[11, 36]])
    rows = task_data.rows(
        task("dual_encoder", "q.json", "xquad_r"), "test", "en", worlds.context(tmp_path)
    )
    assert rows["key"][:] == ["a"]


def test_xquad_r_without_breaks_says_so(tmp_path: Path) -> None:
    squad(tmp_path, [question("a", "cat")])
    with pytest.raises(DataError, match="paragraph 0 has no `sentence_breaks`"):
        task_data.rows(
            task("dual_encoder", "q.json", "xquad_r"), "test", "en", worlds.context(tmp_path)
        )
