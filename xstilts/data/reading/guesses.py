"""What a user's own files are likely to be: a task's format, columns, labels, languages, splits.

For `xstilts init`, which writes the guess down with comments; nobody else guesses. Languages and
splits come from the files that a pattern with `{language}` and `{split}` matches, all else from the
rows of one training file (`shapes`). What can't be told is a DataError that names the columns and
what to give.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xstilts.data.reading.shapes import Rows, Shape, number, shape_of
from xstilts.errors import DataError
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.languages import resolve
from xstilts.spec.words import words

MOST_LABELS = 200
"""A column with more different values is not taken for labels."""
_USES = {
    "train": words("train training"),
    "dev": words("dev validation valid val"),
    "test": words("test testing"),
}
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
    found = list(_files(pattern, languages[0] if languages else "en"))
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
    rows = Rows.of(_looked_at(found, splits, train))
    shape = shape_of(rows, format, dict(columns or {}))
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


def _files(pattern: str, language: str) -> Iterator[_Found]:
    """The files of a pattern, in order; `language` is that of a pattern that names none."""
    path = os.path.normpath(os.path.expanduser(pattern))
    name = re.compile(_capture(path))
    spread = path.replace("[", "[[]").replace("{language}", "*").replace("{split}", "*")
    for file in sorted({path, *glob.glob(spread, recursive=True)}):
        match = name.fullmatch(file)
        if match and os.path.isfile(file):
            groups = match.groupdict()
            yield _Found(Path(file), groups.get("language", language), groups.get("split", "train"))


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
    english = [one for one in having if resolve(one).code == "en"]
    first = [*english, *(one for one in languages if one in having), *having, *languages]
    return first[0]


def _looked_at(found: Sequence[_Found], splits: Mapping[str, str], language: str) -> Path:
    """The training file that tells the rest: that of the training language, if it has one."""
    split = splits["train"].split("[")[0]
    train = [one for one in found if one.split == split]
    return next((one.path for one in train if one.language == language), train[0].path)


# -- labels


def _labels(rows: Rows, shape: Shape) -> tuple[str, ...]:
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
    if any(isinstance(one, list | dict) for one in values):
        raise DataError(
            f"{rows.path}: column `{column}` holds lists, which are no labels; give another "
            f"--columns {spec.label_role}=COLUMN"
        )
    there = {one for one in values if one is not None and one not in (-1, -100, "")}
    if len(there) > MOST_LABELS:
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
    value = number(label)
    return (float("inf") if value is None else value, label)


def _metric(format: FormatName, labels: Sequence[str]) -> str:
    """The primary metric: chunks where tags have positions, else the format's usual one."""
    if format == "tagging":
        positions = [one for one in labels if _POSITION.fullmatch(one)]
        return "chunk_f1" if positions else "token_accuracy"
    usual = {"span_qa": "qa_mean", "regression": "correlation"}
    return usual.get(format, FORMATS[format].metrics[0])
