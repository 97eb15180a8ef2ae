"""Which column of a user's rows has which role, and what format that makes.

Columns are told by the names that datasets commonly give them, and by their values: lists of equal
length are tokens and tags, a few different values are labels. Formats are tried in an order, the
one with the most particular columns first. For `guesses`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.data.reading import readers
from xstilts.data.reading.layout import SUFFIXES
from xstilts.errors import DataError, nearest
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.words import words

NAMES: Mapping[str, tuple[str, ...]] = {
    "text": words(
        "text sentence premise sentence1 question1 content body review tweet document first "
        "text_a sentence_a utterance"
    ),
    "text_pair": words(
        "text_pair hypothesis sentence2 question2 second text_b sentence_b response"
    ),
    "label": words(
        "label labels class category target sentiment gold gold_label intent topic kind answer "
        "verdict stars rating score similarity"
    ),
    "tokens": words("tokens words fused_tokens"),
    "tags": words("tags ner_tags pos_tags labels upos fused_upos"),
    "question": words("question query"),
    "context": words("context passage paragraph premise"),
    "answers": words("answers answer"),
    "choices": words("choices endings options answers"),
    "source_sentence": words("source_sentence source src sentence1"),
    "target_sentence": words("target_sentence target tgt translation english sentence2"),
}
"""Role to names that columns commonly have for it, the likeliest first."""
_CHOICE = re.compile(r"(choice|ending|option|answer)_?([0-9A-E])", re.IGNORECASE)


# -- rows


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of the file that is looked at."""

    path: Path
    file_format: str | None
    columns: Mapping[str, list[Any]]
    classes: Mapping[str, tuple[str, ...]]
    untyped: bool

    @classmethod
    def of(cls, path: Path) -> Rows:
        """The rows of a file; DataError where it can't be read or is empty."""
        file_format = file_format_of(path)
        names = readers.read([path], file_format, ()).columns
        raw = readers.read([path], file_format, names)
        if not raw.table.num_rows:
            raise DataError(f"{path}: has no rows")
        columns = {name: raw.table[name].to_pylist() for name in raw.table.column_names}
        return cls(
            path=path,
            file_format=file_format,
            columns=columns,
            classes=raw.classes,
            untyped=raw.untyped,
        )

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def kinds(self, kind: type | tuple[type, ...]) -> list[str]:
        """Columns whose values are of a kind, missing ones aside."""
        return [
            name
            for name, values in self.columns.items()
            if any(one is not None for one in values)
            and all(isinstance(one, kind) for one in values if one is not None)
        ]


def file_format_of(path: Path) -> str | None:
    """What the suffix does not say: SQuAD's JSON, and token TAB tag under another suffix."""
    suffix = path.suffix.lower()
    if suffix not in (".json", ".txt", ".bio", ".iob", ".iob2", ".tags", ""):
        return None
    try:
        start = path.read_bytes()[:65536].decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if suffix == ".json":
        return "squad_json" if '"paragraphs"' in start and '"data"' in start else None
    filled = [line for line in start.splitlines()[:20] if line.strip()]
    if filled and all(line.count("\t") == 1 for line in filled):
        return "conll"
    return None if suffix in SUFFIXES else "jsonl" if start.lstrip()[:1] == "{" else None


# -- format and columns


@dataclass(frozen=True, kw_only=True)
class Shape:
    format: FormatName
    columns: dict[str, str]
    """Role to column, all of them."""


def shape_of(rows: Rows, format: str | None, given: dict[str, str]) -> Shape:
    """Format and columns; DataError where they can't be told."""
    _require_columns(rows, given, format)
    for name in (format,) if format else _LIKELY:
        columns = {**_LOOKS[name](rows, given), **given} if name in _LOOKS else dict(given)
        spec = FORMATS[name]  # type: ignore[index]
        needed = set(spec.roles) - {*spec.optional_roles, *spec.source_roles}
        if needed <= {*columns, *(set(rows.columns) & needed if format else ())}:
            kept = {role: column for role, column in columns.items() if role in spec.roles}
            return Shape(format=name, columns=kept)  # type: ignore[arg-type]
    wanted = f"the columns of {format}" if format else "what these rows are for"
    raise DataError(
        f"{rows.path}: can't tell {wanted} from its columns ({', '.join(rows.columns)}); give "
        "--format and --columns ROLE=COLUMN"
        + (f"; roles are {', '.join(FORMATS[format].roles)}" if format else "")  # type: ignore[index]
    )


def _require_columns(rows: Rows, given: Mapping[str, str], format: str | None) -> None:
    """DataError for roles or columns that there are not."""
    every = dict.fromkeys(role for spec in FORMATS.values() for role in spec.roles)
    roles = FORMATS[format].roles if format else tuple(every)  # type: ignore[index]
    for role, column in given.items():
        if role not in roles:
            of = f" of {format}" if format else ""
            meant = nearest(role, roles) or f"; there are: {', '.join(roles)}"
            raise DataError(f'"{role}" is no role{of}{meant}')
        for one in column.split(","):
            if one.split(".")[0] not in rows.columns:
                raise DataError(f"{rows.path}: has no column `{one}`{nearest(one, rows.columns)}")


def _named(rows: Rows, role: str, among: Sequence[str], taken: Sequence[str] = ()) -> str | None:
    """The column among some that commonly has this role."""
    lower = {name.lower(): name for name in reversed(among) if name not in taken}
    return next((lower[name] for name in NAMES.get(role, (role,)) if name in lower), None)


def _roles(**columns: str | None) -> dict[str, str]:
    """The roles that have a column."""
    return {role: column for role, column in columns.items() if column is not None}


def _tagging(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Two columns of lists that are equally long in every row."""
    lists = rows.kinds(list)
    tokens = given.get("tokens") or _named(rows, "tokens", lists)
    tags = given.get("tags") or _named(rows, "tags", lists, [tokens] if tokens else [])
    if tokens and tags and tokens in rows.columns and tags in rows.columns:
        pairs = zip(rows.columns[tokens], rows.columns[tags], strict=True)
        if all(len(a or ()) == len(b or ()) for a, b in pairs):
            return _roles(tokens=tokens, tags=tags)
    return {}


def _span_qa(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    texts, structs = rows.kinds(str), rows.kinds(dict)
    answers = next((one for one in structs if _has_answers(rows.columns[one])), None)
    return _roles(
        question=_named(rows, "question", texts),
        context=_named(rows, "context", texts),
        answers=answers,
    )


def _has_answers(values: Sequence[Any]) -> bool:
    return all({"text", "answer_start"} <= set(one) for one in values if one is not None)


def _multiple_choice(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """A column of lists of texts, or several columns that are numbered."""
    lists = _named(rows, "choices", rows.kinds(list))
    numbered = [name for name in rows.columns if _CHOICE.fullmatch(name)]
    choices = lists or (",".join(numbered) if len(numbered) > 1 else None)
    texts = [name for name in rows.kinds(str) if name not in numbered]
    label = _named(rows, "label", [name for name in rows.columns if name not in numbered])
    question = _named(rows, "question", texts)
    context = _named(rows, "context", texts) or _named(rows, "text", texts) or question
    return _roles(
        context=context,
        question=question if question != context else None,
        choices=choices,
        label=label,
    )


def _retrieval(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Two texts, and nothing that could be a label."""
    texts = rows.kinds(str)
    source = _named(rows, "source_sentence", texts)
    target = _named(rows, "target_sentence", texts, [source] if source else [])
    exact = {source, target} == {"source_sentence", "target_sentence"}
    if not exact and (len(rows.columns) > 3 or _label(rows, [source or "", target or ""])):
        return {}
    return _roles(source_sentence=source, target_sentence=target)


def _classification(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """A text, perhaps another, and a label."""
    label = given.get("label") or _label(rows, [])
    texts = [name for name in rows.kinds(str) if name != label]
    text = given.get("text") or _named(rows, "text", texts) or _longest(rows, texts)
    pair = given.get("text_pair") or _named(rows, "text_pair", texts, [text] if text else [])
    return _roles(text=text, text_pair=pair, label=label)


def _regression(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """As a classification, with a label of numbers that are not all whole, or are many."""
    columns = _classification(rows, given)
    label = given.get("label") or _named(rows, "label", list(rows.columns))
    values = [number(one) for one in rows.columns.get(label or "", ()) if one is not None]
    numbers = [one for one in values if one is not None]
    if not label or not values or len(numbers) < len(values):
        return {}
    many = len(set(numbers)) > 20
    if "label" not in given and not many and all(one.is_integer() for one in numbers):
        return {}
    return {**columns, "label": label}


def _masked_lm(rows: Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Nothing but a text."""
    texts = rows.kinds(str)
    return _roles(text=texts[0]) if len(texts) == len(rows.columns) == 1 else {}


def _label(rows: Rows, taken: Sequence[str]) -> str | None:
    """The column of labels: by its name, else the one with the fewest different values."""
    candidates = [
        name
        for name in rows.kinds((str, int, bool, float))
        if name not in taken and name.lower() not in ("id", "idx", "index", "language", "lang")
    ]
    named = _named(rows, "label", candidates)
    if named:
        return named
    counts = {name: len(set(rows.columns[name])) for name in candidates}
    few = [name for name in candidates if 1 < counts[name] <= min(20, rows.count // 3)]
    return min(few, key=lambda name: counts[name], default=None) if len(candidates) > 1 else None


def _longest(rows: Rows, texts: Sequence[str]) -> str | None:
    """The column of the longest texts."""
    lengths = {name: sum(len(one or "") for one in rows.columns[name]) for name in texts}
    return max(texts, key=lambda name: lengths[name], default=None)


def number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


_LOOKS = {
    "tagging": _tagging,
    "span_qa": _span_qa,
    "multiple_choice": _multiple_choice,
    "retrieval": _retrieval,
    "regression": _regression,
    "classification": _classification,
    "masked_lm": _masked_lm,
}
"""Format to what finds its columns."""
_LIKELY = tuple(_LOOKS)
"""In the order in which they are tried: the first whose columns are all there is taken."""
