"""A tagging task over CoNLL files of two languages."""

from __future__ import annotations

from typing import Any

from xstilts.spec.task import Source, Splits, Task

CONLL = "# a comment\nDas\tDET\nHaus\tNOUN\n\n\nEs\tPRON\nbrennt\tVERB\n"


def tagging(**changes: Any) -> Task:
    """A tagging task over CoNLL files of two languages."""
    fields: dict[str, Any] = {
        "name": "tags",
        "format": "tagging",
        "source": Source(files=("{language}/{split}.conll",)),
        "labels": ("DET", "NOUN", "PRON", "VERB"),
        "metric": "chunk_f1",
        "languages": ("de", "fr"),
        "language_names": {"fr": "french"},
        "train_language": "de",
        "splits": Splits(train="train", test="train"),
    }
    return Task(**{**fields, **changes})
