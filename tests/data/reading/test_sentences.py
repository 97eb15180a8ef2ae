"""Where sentences end, and rows of a dual encoder from questions over paragraphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from xstilts.data import task_data
from xstilts.data.reading.sentences import breaks
from xstilts.spec.task import Source, Splits, Task


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("He left.  She stayed.\nIt rained. ", ["He left.", "She stayed.", "It rained."]),
        (
            'He said "Go." Then he left (fast). 1990 came.',
            ['He said "Go."', "Then he left (fast).", "1990 came."],
        ),
        (
            "Mr. Smith met J. R. Tolkien in the U.S. Army.",
            ["Mr. Smith met J. R. Tolkien in the U.S. Army."],
        ),
        ("It was 3.5 m. and small.", ["It was 3.5 m. and small."]),
        ("Is it etc.? Yes.", ["Is it etc.?", "Yes."]),
        ("我来了。你呢？好！", ["我来了。", "你呢？", "好！"]),
        ("वह आया। वह गया।", ["वह आया।", "वह गया।"]),
        ("…", ["…"]),
        ("", []),
        ("   ", []),
    ],
)
def test_sentences_end_where_the_rule_says(text: str, sentences: list[str]) -> None:
    assert [text[start:stop] for start, stop in breaks(text)] == sentences


CONTEXT = "It rained. The cat slept. It left."


def squad(folder: Path, rows: list[dict[str, Any]]) -> Task:
    """A dual encoder over SQuAD's columns."""
    worlds.write_jsonl(folder / "q.jsonl", rows)
    return Task(
        name="find",
        format="dual_encoder",
        source=Source(files=("q.jsonl",)),
        metric="map_at_k",
        splits=Splits(train="train", test="train"),
    )


def row(name: str, text: str, start: int) -> dict[str, Any]:
    """A question whose answer is `text`, said to stand at `start`."""
    answers = {"text": [text] if text else [], "answer_start": [start] if text else []}
    return {
        "id": name,
        "question": f"{name}?",
        "context": CONTEXT,
        "answers": answers,
        "title": "x",
    }


def test_rows_of_questions_become_query_sentence_paragraph_and_key(tmp_path: Path) -> None:
    made = squad(tmp_path, [row("a", "cat", 15), row("b", "left", 29)])
    rows = task_data.rows(made, "train", None, worlds.context(tmp_path))
    assert rows[0] == {
        "query": "a?",
        "candidate": "The cat slept.",
        "candidate_pair": CONTEXT,
        "key": "a",
    }
    assert rows[1]["candidate"] == "It left."


def test_wrong_start_is_mended_and_a_question_without_a_place_left_out(tmp_path: Path) -> None:
    # "It" stands at 0 and at 26; 20 is nearer to 26.
    made = squad(tmp_path, [row("a", "It", 20), row("b", "dog", 0), row("c", "", 0)])
    rows = task_data.rows(made, "train", None, worlds.context(tmp_path))
    assert list(zip(rows["key"], rows["candidate"], strict=True)) == [("a", "It left.")]


def test_questions_without_ids_are_numbered(tmp_path: Path) -> None:
    without = [
        {k: v for k, v in one.items() if k != "id"}
        for one in (row("a", "cat", 15), row("b", "left", 29))
    ]
    assert task_data.rows(squad(tmp_path, without), "train", None, worlds.context(tmp_path))["key"][
        :
    ] == ["0", "1"]


def test_real_squad_becomes_rows_of_a_dual_encoder(mirror: Path, tmp_path: Path) -> None:
    made = Task(
        name="lareqa",
        format="dual_encoder",
        metric="map_at_k",
        splits=Splits(train="validation"),
        source=Source(hub="rajpurkar/squad", config="plain_text"),
    )
    rows = task_data.rows(made, "train", None, worlds.context(tmp_path, mirror))
    assert len(rows) == 10_570
    assert all(one["candidate"] in one["candidate_pair"] for one in rows.select(range(500)))
    lengths = [len(text) for text in rows["candidate"]]
    assert 100 < sum(lengths) / len(lengths) < 220
