"""Tasks over small files of their own, whose rows may stand in each other."""

from __future__ import annotations

from typing import Any

from xstilts.spec.task import Source, Splits, Task

PAIR = {"text": "text", "text_pair": "text_pair", "label": "label"}


def task(name: str, task_format: str = "classification", **fields: Any) -> Task:
    """A task over `name.{split}.jsonl`."""
    metric = {"tagging": "token_accuracy", "span_qa": "qa_mean", "masked_lm": "masked_accuracy"}
    values: dict[str, Any] = {
        "name": name,
        "format": task_format,
        "source": Source(files=(f"{name}.{{split}}.jsonl",)),
        "splits": Splits(train="train", dev="train", test="test"),
        "labels": ("no", "yes"),
        "metric": metric.get(task_format, "accuracy"),
    }
    return Task(**{**values, **fields})


def sentence(number: int) -> str:
    """A sentence that no other number has."""
    return f"Sentence number {number} speaks of the weather."
