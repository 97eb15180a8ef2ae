"""Role tables and tasks for tests of doubts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from xstilts.spec.task import Source, Splits, Task

METRICS = {
    "classification": "accuracy",
    "regression": "pearson",
    "multiple_choice": "accuracy",
    "tagging": "chunk_f1",
    "span_qa": "qa_mean",
    "retrieval": "accuracy",
    "mining": "mining_f1",
    "dual_encoder": "map_at_k",
    "masked_lm": "masked_accuracy",
}


def task(format_name: str, **fields: Any) -> Task:
    """A task of a format on files of its own."""
    values = {
        "name": "own",
        "format": format_name,
        "metric": METRICS[format_name],
        "source": Source(files=("rows.jsonl",)),
        "splits": Splits(train="train", dev="dev", test="test"),
    }
    return Task(**{**values, **fields})


def answers(rows: Sequence[tuple[str, str, int | None]]) -> pa.Table:
    """A table of questions: context, answer and its offset."""
    return pa.table(
        {
            "id": [str(i) for i in range(len(rows))],
            "question": [f"question {i}?" for i in range(len(rows))],
            "context": [context for context, _, _ in rows],
            "answers": pa.array(
                [{"text": [text], "answer_start": [start]} for _, text, start in rows],
                pa.struct(
                    [("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))]
                ),
            ),
        }
    )


def tagged(sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[int]] = ()) -> pa.Table:
    """A table of tokens and tags; tags left out are all 0."""
    return pa.table(
        {
            "tokens": pa.array(sentences, pa.list_(pa.string())),
            "tags": pa.array(tags or [[0] * len(s) for s in sentences], pa.list_(pa.int64())),
        }
    )
