"""Translations that the user has: whole texts, looked up exactly as written.

Files have columns `text` and `translation`, and `language` unless the path names it. Each text of a
row must be among them (a context as a whole, each answer by itself); a row with a missing text is
dropped and counted by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from xstilts.data.reading import readers
from xstilts.data.transforms import rows, spans
from xstilts.data.transforms.rows import Dropped, Row
from xstilts.errors import DataError
from xstilts.spec.format_specs import FormatName
from xstilts.spec.languages import alias

Table = Mapping[str, str]
"""Text to its translation."""


def read(paths: Sequence[Path], language: str, *, named: bool, several: bool) -> Table:
    """The translations into `language`.

    `named`: the path names the language, so a column `language` is ignored; `several`: the
    transform has more than one language. Raises DataError if a column is missing. Of several
    translations of a text the first counts.
    """
    needed = ("text", "translation", *(("language",) if several and not named else ()))
    raw = readers.read(paths, None, ("text", "translation", "language"))
    missing = [name for name in needed if name not in raw.columns]
    if missing:
        why = ", and language, since the path does not say it" if len(needed) > 2 else ""
        raise DataError(
            f"{paths[0]}: has no column `{missing[0]}`; it has {', '.join(raw.columns)}. "
            f"Translations need text and translation{why}"
        )
    texts, translations = (raw.table[name].to_pylist() for name in ("text", "translation"))
    by_column = not named and "language" in raw.columns
    languages = raw.table["language"].to_pylist() if by_column else [language] * len(texts)
    wanted = alias(language, (str(one) for one in dict.fromkeys(languages) if one is not None))
    found: dict[str, str] = {}
    for text, translation, one in zip(texts, translations, languages, strict=True):
        if one == wanted and text and translation and translation.strip():
            found.setdefault(text, translation)
    return found


def rewritten(
    row: Row, format_name: FormatName, table: Table, language: str, tally: Counter[str]
) -> Row | Dropped:
    """The row with the texts of `table`, or why it is dropped."""
    old = rows.texts(row, format_name)
    new = [table.get(text, "") if text.strip() else text for text in old]
    if any(text.strip() and not made for text, made in zip(old, new, strict=True)):
        return Dropped("a text without a translation")
    made = rows.with_texts(row, format_name, new)
    return _with_answers(row, made, table, language, tally) if "answers" in row else made


def _with_answers(
    row: Row, made: Row, table: Table, language: str, tally: Counter[str]
) -> Row | Dropped:
    answers: dict[str, list[object]] = {"text": [], "answer_start": []}
    for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
        place = spans.found(
            made["context"], table.get(text, text), start / max(1, len(row["context"])), language
        )
        tally["answers not found" if place is None else "answers by their translation"] += 1
        if place is not None:
            answers["text"].append(made["context"][slice(*place)])
            answers["answer_start"].append(place[0])
    if row["answers"]["text"] and not answers["text"]:
        return Dropped("answer not found in the translation")
    return {**made, "answers": answers}
