"""The own formats of benchmarks: trees, BUCC's three files, SQuAD's JSON and LAReQA's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.sweep import Hyperparameters
from xstilts.spec.task import FormatName, Source, Splits, Task


def task(format_name: FormatName, files: str, file_format: Any = None, **changes: Any) -> Task:
    """A task over files of one of the formats, all in the split `train`."""
    fields: dict[str, Any] = {
        "name": "t",
        "format": format_name,
        "metric": "accuracy",
        "splits": Splits(train="train", test="train"),
        "source": Source(files=(files,), file_format=file_format),
    }
    return Task(**{**fields, **changes})


# --- CoNLL-U

DEL = """\
# sent_id = 1
# text = Va al mar
1\tVa\tir\tVERB\tV\t_\t0\troot\t_\t_
2-3\tal\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\ta\tADP\tE\t_\t4\tcase\t_\t_
3\tel\tel\tDET\tD\t_\t4\tdet:def\t_\t_
3.1\tnada\tnada\tX\t_\t_\t_\t_\t_\t_
4\tmar\tmar\tNOUN\tN\t_\t1\tobl\t_\t_

1\t10 000\t10\tNUM\tN\t_\t2\tnummod\t_\t_
2\tno\u200cte\tno\tNOUN\tN\t_\t0\troot\t_\t_
"""


def trees(folder: Path, text: str, **columns: str) -> Task:
    """A tagging task over one CoNLL-U file."""
    (folder / "t.conllu").write_text(text, encoding="utf-8")
    labels = (
        "ADP",
        "AUX",
        "DET",
        "NOUN",
        "NUM",
        "PRON",
        "VERB",
        "E",
        "V",
        "D",
        "N",
        "root",
        "case",
        "det",
        "det:def",
        "obl",
        "nummod",
    )
    return task("tagging", "t.conllu", columns=columns, labels=labels)


def words(folder: Path, text: str, **columns: str) -> list[tuple[list[str], list[str]]]:
    """Tokens and label names of each sentence."""
    made = trees(folder, text, **columns)
    rows = task_data.rows(made, "train", None, worlds.context(folder))
    return [(row["tokens"], [made.labels[i] for i in row["tags"]]) for row in rows]


def test_conllu_has_the_syntactic_words_and_leaves_out_the_rest(tmp_path: Path) -> None:
    assert words(tmp_path, DEL, tags="upos") == [
        (["Va", "a", "el", "mar"], ["VERB", "ADP", "DET", "NOUN"]),
        (["10 000", "no\u200cte"], ["NUM", "NOUN"]),
    ]


@pytest.mark.parametrize(
    ("column", "tags"),
    [
        ("deprel", ["root", "case", "det:def", "obl"]),
        ("deprel_main", ["root", "case", "det", "obl"]),
        ("xpos", ["V", "E", "D", "N"]),
    ],
)
def test_conllu_offers_other_columns(tmp_path: Path, column: str, tags: list[str]) -> None:
    assert words(tmp_path, DEL, tags=column)[0][1] == tags


def test_conllu_fused_words_are_as_in_xtreme(tmp_path: Path) -> None:
    # `a` and `el` both hang on `mar`, so they are equally high; ADP comes before DET in the list.
    assert words(tmp_path, DEL, tokens="fused_tokens", tags="fused_upos") == [
        (["Va", "al", "mar"], ["VERB", "ADP", "NOUN"]),
        (["10000", "note"], ["NUM", "NOUN"]),
    ]


def test_conllu_fused_word_has_the_tag_of_its_highest_word(tmp_path: Path) -> None:
    # `me` hangs on `di`: `di`, the root, is the higher one, though PRON comes before AUX in the
    # list.
    text = "1-2\tdime\t_\t_\t_\t_\t_\t_\t_\t_\n1\tdi\tx\tAUX\tV\t_\t0\troot\t_\t_\n2\tme\tx\tPRON\tN\t_\t1\tobj\t_\t_\n"
    assert words(tmp_path, text, tokens="fused_tokens", tags="fused_upos") == [(["dime"], ["AUX"])]


def test_conllu_leaves_out_sentences_whose_words_are_hidden(tmp_path: Path) -> None:
    hidden = "".join(f"{i}\t_\t_\tNOUN\tN\t_\t0\troot\t_\t_\n" for i in (1, 2, 3))
    one_shown = hidden.replace("1\t_\t_", "1\tx\t_", 1)
    two_shown = one_shown.replace("2\t_\t_", "2\ty\t_", 1)
    found = words(tmp_path, "\n".join((hidden, one_shown, two_shown)), tags="upos")
    assert [tokens for tokens, _ in found] == [["x", "y", "_"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\tDas\tDET\n", r"t\.conllu:1: `1\tDas\tDET` must be 10 values"),
        ("2\tDas\td\tDET\t_\t_\t0\troot\t_\t_\n", "word 2 must be number 1"),
        ("x\tDas\td\tDET\t_\t_\t0\troot\t_\t_\n", "word x must be number 1"),
    ],
)
def test_conllu_that_is_none_raises_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        task_data.rows(trees(tmp_path, line, tags="upos"), "train", None, worlds.context(tmp_path))


def test_conllu_is_counted(tmp_path: Path) -> None:
    assert (
        task_data.sizes(trees(tmp_path, DEL, tags="upos"), "train", None, worlds.context(tmp_path))
        == 2
    )


# --- BUCC


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
    made, where = bucc(tmp_path, pattern, flat), worlds.context(tmp_path)
    if pattern == ".":
        made = made.model_copy(update={"languages": ("de",)})
    rows = task_data.rows(made, "dev", "de", where)
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
    assert task_data.rows(made, "test", "de", where)["source_sentence"][0] == "zwei training"
    assert task_data.sizes(made, "test", "de", where) == 4
    assert task_data.check(made, "evaluate", where) == []


def test_bucc_sentences_are_part_of_the_revision(tmp_path: Path) -> None:
    made, where = bucc(tmp_path, "{language}-en"), worlds.context(tmp_path)
    first = task_data.revision(made, "evaluate", where)
    with open(tmp_path / "ru-en" / "ru-en.training.en", "a") as file:
        file.write("en-9\tmore\n")
    assert task_data.revision(made, "evaluate", where) != first


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


# --- SQuAD's JSON


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
    made, where = task("span_qa", "q.json", "squad_json"), worlds.context(tmp_path)
    with pytest.raises(DataError, match=r"none of the 1 rows has an answer.*no_answer: true"):
        task_data.rows(made, "train", None, where)
    allowed = made.model_copy(
        update={"options": made.options.model_copy(update={"no_answer": True})}
    )
    assert task_data.check(allowed, "evaluate", where) == []
    squad(tmp_path, [question("a", ""), question("b", "cat")])
    assert task_data.check(made, "evaluate", where) == []
    assert len(task_data.rows(made, "train", None, where)) == 2


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
            "wrong type",
        ),
    ],
)
def test_squad_json_that_is_none_raises(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "q.json").write_text(content)
    with pytest.raises(DataError, match=message):
        task_data.rows(
            task("span_qa", "q.json", "squad_json"), "train", None, worlds.context(tmp_path)
        )


# --- LAReQA's JSON


def test_xquad_r_rows_are_questions_with_their_sentences_then_the_other_sentences(
    tmp_path: Path,
) -> None:
    questions = [question("a", "cat"), question("b", "mat"), question("c", "rained")]
    squad(tmp_path, questions, sentence_breaks=[[0, 10], [11, 36], [37, 50]])
    made, where = task("dual_encoder", "q.json", "xquad_r"), worlds.context(tmp_path)
    rows = task_data.rows(made, "test", "en", where)
    assert rows.column_names == ["query", "candidate", "candidate_pair", "key"]
    assert list(zip(rows["query"], rows["candidate"], rows["key"], strict=True)) == [
        ("a?", "The cat slept on the mat.", "a"),
        ("b?", "The cat slept on the mat.", "b"),
        ("c?", "It rained.", "c"),
        ("", "Then it left.", "q/0/2"),
    ]
    assert set(rows["candidate_pair"]) == {CONTEXT}
    assert task_data.sizes(made, "test", "en", where) == 4
    assert task_data.check(made, "evaluate", where) == []


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


def test_formats_of_benchmarks_are_encoded_like_others(tmp_path: Path) -> None:
    made = trees(tmp_path, DEL, tags="upos")
    split = task_data.encoded(
        made,
        "train",
        None,
        worlds.tokenizer(),
        Hyperparameters(max_length_tokens=16),
        worlds.context(tmp_path),
    )
    assert len(split) == 2
