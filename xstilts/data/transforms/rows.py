"""Rows of each format: which of their texts are rewritten, and how answers keep their places.

A *row* maps roles to values, as `columns.py` returns them. Rewriting takes texts and returns texts;
labels, tags, ids and keys are never changed. COPA's `cause` and `effect`, the same words in the
role `question` in every language, are codes and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.data.transforms.words import ReplacedText
from xstilts.spec.answer_places import place
from xstilts.spec.format_specs import FORMATS, FormatName

Row = dict[str, Any]
CODES = ("cause", "effect")
"""Questions that are codes (COPA)."""


@dataclass(frozen=True)
class Dropped:
    """The outcome for a row that can't be kept."""

    reason: str


def texts(row: Row, format_name: FormatName) -> list[str]:
    """All texts of a row, in the order of their roles."""
    found: list[str] = []
    for role in _roles(row, format_name):
        value = row[role]
        found += value if isinstance(value, list) else [value]
    return found


def with_texts(row: Row, format_name: FormatName, new: Sequence[str]) -> Row:
    """The row with other texts, in the same order."""
    rest, made = iter(new), dict(row)
    for role in _roles(row, format_name):
        value = row[role]
        made[role] = [next(rest) for _ in value] if isinstance(value, list) else next(rest)
    return made


def _roles(row: Row, format_name: FormatName) -> list[str]:
    return [
        role
        for role in FORMATS[format_name].text_roles
        if role in row and not (role == "question" and row[role] in CODES)
    ]


def reworded(row: Row, format_name: FormatName, replaced: Callable[[str], ReplacedText]) -> Row:
    """The row with the words of all its texts replaced; the answers of span QA keep their place."""
    made = [replaced(text) for text in texts(row, format_name)]
    new = with_texts(row, format_name, [one.text for one in made])
    if "answers" in row:
        new["answers"] = _carried(row["context"], row["answers"], made[-1])
    return new


def _carried(context: str, answers: Mapping[str, Any], made: ReplacedText) -> dict[str, list[Any]]:
    new: dict[str, list[Any]] = {"text": [], "answer_start": []}
    for text, start in zip(answers["text"], answers["answer_start"], strict=True):
        span = place(context, text, start)
        if span is None:  # it did not occur in the old context either
            new["text"].append(text)
            new["answer_start"].append(start)
            continue
        begin, end = made.carried(span)
        new["text"].append(made.text[begin:end])
        new["answer_start"].append(begin)
    return new
