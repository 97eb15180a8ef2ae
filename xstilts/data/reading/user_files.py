"""The user's own files: paths and glob patterns of a task's source, and the splits they hold."""

from __future__ import annotations

import os
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
from xstilts.data.reading.path_patterns import matches
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
    """Splits by the `{split}` in the paths; paths without it hold one split, `train`.

    Raises Absent if there is no file, DataError if a pattern cannot be meant or a file is named
    twice.
    """
    splits: dict[str, dict[Path, str]] = {}
    for pattern in task.source.files or ():
        if not tells_languages_apart(task, pattern):
            raise DataError(
                f"files {pattern}: one file cannot serve {len(languages_read(task))} languages; "
                "put `{language}` into the path or into `row_filter:`, or give the task one "
                "language"
            )
        opened = readers.opened_pattern(pattern, task.source.file_format)
        for match in matches(opened, word(task, language), base):
            held = splits.setdefault(match.split or "train", {})
            if match.path in held:
                raise DataError(
                    f"files {pattern}: {match.path} is named by `{held[match.path]}` too; name it "
                    "once, or its rows would be read twice"
                )
            held[match.path] = pattern
    where = source_in_words(task, language)
    if not splits:
        brackets = (
            "; brackets stand for themselves, only * and ? for others"
            if any("[" in pattern for pattern in task.source.files or ())
            else ""
        )
        raise Absent(
            f"{where}: nothing there; paths are relative to {os.path.abspath(base)}{brackets}"
        )
    return SplitFiles(
        where=where,
        splits={
            split: tuple(
                file
                for path in paths
                for file in (path, *readers.companions(path, task.source.file_format))
            )
            for split, paths in splits.items()
        },
    )
