"""What a user's own files are likely to be: a task's format, columns, labels, languages, splits.

For `xstilts init`, which writes the guess down with comments; nobody else guesses. Languages and
splits come from the files that a pattern with `{language}` and `{split}` matches, all else from the
rows of one training file: from the names of its columns, as datasets commonly have them, and from
their values. What can't be told is a DataError that names the columns and what to give.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.data.reading import readers
from xstilts.data.reading.layout import SUFFIXES
from xstilts.errors import DataError
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.words import words

MOST_LABELS = 200
"""A column with more different values is not taken for labels."""
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
_USES = {
    "train": words("train training"),
    "dev": words("dev validation valid val"),
    "test": words("test testing"),
}
_CHOICE = re.compile(r"(choice|ending|option|answer)_?([0-9A-E])", re.IGNORECASE)
_POSITION = re.compile(r"[BIESLU]-.+")


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What files are likely to be."""

    format: FormatName
    metric: str
    columns: Mapping[str, str]
    """Role to column, where their names differ."""
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    train_language: str
    splits: Mapping[str, str]
    """Use to an expression over the source's splits."""
    file_format: str | None
    """None where the suffix says it."""
    rows: int
    """Of the file that was looked at."""
    looked_at: str


@dataclass(frozen=True)
class _Found:
    """A file, and what stands in its name for the placeholders."""

    path: Path
    language: str
    split: str


def guess(
    pattern: str,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    languages: Sequence[str] = (),
) -> Guess:
    """What the files of `pattern` are likely to be; what is given is taken as it is.

    `pattern` starts from the working directory. Raises DataError where no file is there, or where
    format, columns or labels can't be told.
    """
    found = list(_files(pattern))
    if not found:
        raise DataError(f"files {pattern}: nothing there; give a path, or a pattern of paths")
    spoken = tuple(languages) or tuple(sorted({one.language for one in found}))
    if len(spoken) > 1 and "{language}" not in pattern:
        raise DataError(
            f"files {pattern}: one file cannot serve {len(spoken)} languages; put `{{language}}` "
            "into the path"
        )
    splits = _splits({one.split for one in found}, "{split}" in pattern, pattern)
    train = _train_language(found, spoken, splits)
    rows = _Rows.of(found, splits, train)
    shape = _shape(rows, format, dict(columns or {}))
    named = tuple(labels) or _labels(rows, shape)
    return Guess(
        format=shape.format,
        metric=_metric(shape.format, named),
        columns={role: column for role, column in shape.columns.items() if role != column},
        labels=named,
        languages=spoken,
        train_language=train,
        splits=splits,
        file_format=rows.file_format,
        rows=rows.count,
        looked_at=str(rows.path),
    )


# -- files


def _files(pattern: str) -> Iterator[_Found]:
    """The files of a pattern, in order."""
    path = os.path.normpath(os.path.expanduser(pattern))
    name = re.compile(_capture(path))
    spread = path.replace("{language}", "*").replace("{split}", "*")
    for file in sorted({path, *glob.glob(spread, recursive=True)}):
        match = name.fullmatch(file)
        if match and os.path.isfile(file):
            groups = match.groupdict()
            yield _Found(Path(file), groups.get("language", "en"), groups.get("split", "train"))


def _capture(path: str) -> str:
    """A regular expression for the files of a pattern, with a group for each placeholder."""
    seen: set[str] = set()
    parts = []
    for part in re.split(r"(\{split\}|\{language\}|\*\*|\*|\?)", path):
        name = part[1:-1]
        if part in ("{split}", "{language}"):
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/.]+?)")
            seen.add(name)
        else:
            parts.append({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)))
    return "".join(parts)


def _splits(there: set[str], named: bool, pattern: str) -> dict[str, str]:
    """A split of the source for each use; what is missing is cut out of another one."""
    if not named:
        return {"train": "train[:80%]", "dev": "train[80%:90%]", "test": "train[90%:]"}
    own = {use: next((one for one in names if one in there), None) for use, names in _USES.items()}
    train, dev, test = own["train"], own["dev"], own["test"]
    if train is None:
        raise DataError(
            f"files {pattern}: no training rows; splits there: {', '.join(sorted(there))}; one "
            "must be called train"
        )
    if dev and test:
        return {"train": train, "dev": dev, "test": test}
    if test:
        return {"train": f"{train}[:90%]", "dev": f"{train}[90%:]", "test": test}
    if dev:
        return {"train": f"{train}[:90%]", "dev": f"{train}[90%:]", "test": dev}
    return {"train": f"{train}[:80%]", "dev": f"{train}[80%:90%]", "test": f"{train}[90%:]"}


def _train_language(
    found: Sequence[_Found], languages: Sequence[str], splits: Mapping[str, str]
) -> str:
    """English if it has training rows, else the first language that has."""
    split = splits["train"].split("[")[0]
    having = [one.language for one in found if one.split == split]
    first = [*(one for one in ("en", *languages) if one in having), *having, *languages]
    return first[0]


# -- rows


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of the file that is looked at."""

    path: Path
    file_format: str | None
    columns: Mapping[str, list[Any]]
    classes: Mapping[str, tuple[str, ...]]
    untyped: bool

    @classmethod
    def of(cls, found: Sequence[_Found], splits: Mapping[str, str], language: str) -> _Rows:
        """The first training file; DataError where it can't be read or is empty."""
        split = splits["train"].split("[")[0]
        train = [one for one in found if one.split == split]
        path = next((one.path for one in train if one.language == language), train[0].path)
        file_format = _file_format(path)
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


def _file_format(path: Path) -> str | None:
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
class _Shape:
    format: FormatName
    columns: dict[str, str]
    """Role to column, all of them."""


def _shape(rows: _Rows, format: str | None, given: dict[str, str]) -> _Shape:
    """Format and columns; DataError where they can't be told."""
    for name in (format,) if format else _LIKELY:
        columns = {**_LOOKS[name](rows, given), **given} if name in _LOOKS else dict(given)
        spec = FORMATS[name]  # type: ignore[index]
        needed = set(spec.roles) - {*spec.optional_roles, *spec.source_roles}
        if needed <= {*columns, *(set(rows.columns) & needed if format else ())}:
            kept = {role: column for role, column in columns.items() if role in spec.roles}
            return _Shape(format=name, columns=kept)  # type: ignore[arg-type]
    wanted = f"the columns of {format}" if format else "what these rows are for"
    raise DataError(
        f"{rows.path}: can't tell {wanted} from its columns ({', '.join(rows.columns)}); give "
        "--format and --columns ROLE=COLUMN"
        + (f"; roles are {', '.join(FORMATS[format].roles)}" if format else "")  # type: ignore[index]
    )


def _named(rows: _Rows, role: str, among: Sequence[str], taken: Sequence[str] = ()) -> str | None:
    """The column among some that commonly has this role."""
    lower = {name.lower(): name for name in reversed(among) if name not in taken}
    return next((lower[name] for name in NAMES.get(role, (role,)) if name in lower), None)


def _roles(**columns: str | None) -> dict[str, str]:
    """The roles that have a column."""
    return {role: column for role, column in columns.items() if column is not None}


def _tagging(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Two columns of lists that are equally long in every row."""
    lists = rows.kinds(list)
    tokens = given.get("tokens") or _named(rows, "tokens", lists)
    tags = given.get("tags") or _named(rows, "tags", lists, [tokens] if tokens else [])
    if tokens and tags and tokens in rows.columns and tags in rows.columns:
        pairs = zip(rows.columns[tokens], rows.columns[tags], strict=True)
        if all(len(a or ()) == len(b or ()) for a, b in pairs):
            return _roles(tokens=tokens, tags=tags)
    return {}


def _span_qa(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    texts, structs = rows.kinds(str), rows.kinds(dict)
    answers = next((one for one in structs if _has_answers(rows.columns[one])), None)
    return _roles(
        question=_named(rows, "question", texts),
        context=_named(rows, "context", texts),
        answers=answers,
    )


def _has_answers(values: Sequence[Any]) -> bool:
    return all({"text", "answer_start"} <= set(one) for one in values if one is not None)


def _multiple_choice(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
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


def _retrieval(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Two texts, and nothing that could be a label."""
    texts = rows.kinds(str)
    source = _named(rows, "source_sentence", texts)
    target = _named(rows, "target_sentence", texts, [source] if source else [])
    exact = {source, target} == {"source_sentence", "target_sentence"}
    if not exact and (len(rows.columns) > 3 or _label(rows, [source or "", target or ""])):
        return {}
    return _roles(source_sentence=source, target_sentence=target)


def _classification(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    """A text, perhaps another, and a label."""
    label = given.get("label") or _label(rows, [])
    texts = [name for name in rows.kinds(str) if name != label]
    text = given.get("text") or _named(rows, "text", texts) or _longest(rows, texts)
    pair = given.get("text_pair") or _named(rows, "text_pair", texts, [text] if text else [])
    return _roles(text=text, text_pair=pair, label=label)


def _regression(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    """As a classification, with a label of numbers that are not all whole, or are many."""
    columns = _classification(rows, given)
    label = given.get("label") or _named(rows, "label", list(rows.columns))
    values = [_number(one) for one in rows.columns.get(label or "", ()) if one is not None]
    numbers = [one for one in values if one is not None]
    if not label or not values or len(numbers) < len(values):
        return {}
    many = len(set(numbers)) > 20
    if "label" not in given and not many and all(one.is_integer() for one in numbers):
        return {}
    return {**columns, "label": label}


def _masked_lm(rows: _Rows, given: Mapping[str, str]) -> dict[str, str]:
    """Nothing but a text."""
    texts = rows.kinds(str)
    return _roles(text=texts[0]) if len(texts) == len(rows.columns) == 1 else {}


def _label(rows: _Rows, taken: Sequence[str]) -> str | None:
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


def _longest(rows: _Rows, texts: Sequence[str]) -> str | None:
    """The column of the longest texts."""
    lengths = {name: sum(len(one or "") for one in rows.columns[name]) for name in texts}
    return max(texts, key=lambda name: lengths[name], default=None)


def _number(value: Any) -> float | None:
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


# -- labels


def _labels(rows: _Rows, shape: _Shape) -> tuple[str, ...]:
    """The labels of the rows: those that the source names, else all that occur, sorted."""
    spec = FORMATS[shape.format]
    if not spec.labelled:
        return ()
    column = shape.columns[spec.label_role or ""]
    if column in rows.classes:
        return rows.classes[column]
    values = rows.columns[column]
    if spec.label_kind == "tags":
        values = [tag for tags in values for tag in tags or ()]
    there = {one for one in values if one is not None and one not in (-1, -100, "")}
    if len(there) > MOST_LABELS or any(isinstance(one, list | dict) for one in there):
        raise DataError(
            f"{rows.path}: column `{column}` has {len(there)} different values, too many for "
            "labels; give --labels, or another --columns label=COLUMN"
        )
    if all(isinstance(one, bool) for one in there):
        return ("false", "true")
    named = sorted({str(one) for one in there}, key=_order)
    if spec.label_kind == "tags" and "O" in named:
        named = ["O", *(one for one in named if one != "O")]
    if len(named) < 2:
        raise DataError(
            f"{rows.path}: column `{column}` has one value, {', '.join(named)}; labels must be two "
            "or more; give --labels, or another --columns label=COLUMN"
        )
    return tuple(named)


def _order(label: str) -> tuple[float, str]:
    """Numbers by value, before all other labels."""
    number = _number(label)
    return (float("inf") if number is None else number, label)


def _metric(format: FormatName, labels: Sequence[str]) -> str:
    """The primary metric: chunks where tags have positions, else the format's usual one."""
    if format == "tagging":
        positions = [one for one in labels if _POSITION.fullmatch(one)]
        return "chunk_f1" if positions else "token_accuracy"
    usual = {"span_qa": "qa_mean", "regression": "correlation"}
    return usual.get(format, FORMATS[format].metrics[0])
