"""The user's own files: paths and glob patterns of a task's source, and the splits they hold."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xstilts.data.reading import readers
from xstilts.data.reading.languages import (
    languages_read,
    source_in_words,
    tells_languages_apart,
    word,
)
from xstilts.data.reading.raw import Absent
from xstilts.errors import DataError
from xstilts.spec.task import Task


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """The splits that exist for a task in one language."""

    where: str
    """The source in words, for messages."""
    splits: Mapping[str, tuple[Path, ...]]
    """Split to its files."""


def user_files(task: Task, language: str, base: str) -> SplitFiles:
    """Splits by the `{split}` in the paths; paths without it hold one split, `train`."""
    splits: dict[str, list[Path]] = {}
    for pattern in task.source.files or ():
        if not tells_languages_apart(task, pattern):
            raise DataError(
                f"files {pattern}: one file cannot serve {len(languages_read(task))} languages; "
                "put `{language}` into the path or into `row_filter:`, or give the task one "
                "language"
            )
        path = os.path.join(
            base, os.path.expanduser(pattern.replace("{language}", word(task, language)))
        )
        path = readers.opened_pattern(path, task.source.file_format, word(task, language))
        if "{split}" not in path:
            splits.setdefault("train", []).extend(
                Path(p) for p in sorted(glob.glob(path, recursive=True))
            )
            continue
        name = re.compile(_capture(os.path.normpath(path)))
        for file in sorted(glob.glob(path.replace("{split}", "*"), recursive=True)):
            match = name.fullmatch(os.path.normpath(file))
            if match:
                splits.setdefault(match["split"], []).append(Path(file))
    files = {
        split: tuple(
            f
            for p in paths
            if p.is_file()
            for f in (p, *readers.companions(p, task.source.file_format))
        )
        for split, paths in splits.items()
    }
    files = {split: paths for split, paths in files.items() if paths}
    where = source_in_words(task, language)
    if not files:
        raise Absent(f"{where}: nothing there; paths are relative to {os.path.abspath(base)}")
    return SplitFiles(where=where, splits=files)


def _capture(path: str) -> str:
    """A regular expression for the files that `path` matches; its group `split` is the split."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{split}": "(?P=split)"}
    parts = [words.get(part, re.escape(part)) for part in re.split(r"(\{split\}|\*\*|\*|\?)", path)]
    return "".join(parts).replace("(?P=split)", "(?P<split>[^/]*?)", 1)
