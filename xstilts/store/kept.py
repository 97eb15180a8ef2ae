"""What was found out about data, kept under what decides it, so that it is found out once.

    <folder>/<digest>    one JSON value, sealed

The name is a digest of everything that decides the value (contents, cuts, versions): nothing kept
is ever stale, and whoever needs it finds the same. Label tables are kept so, and decide numbers;
therefore the value has a digest too (`sealed`). A file that is damaged, or holds no value of the
right kind, is ignored and written again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from xstilts.spec.digests import digest
from xstilts.store.sealed import read_sealed, write_sealed

T = TypeVar("T")


def kept(
    folder: Path,
    what: Any,
    find: Callable[[], T],
    read: Callable[[Any], T],
    *,
    keep: bool = True,
    written: Callable[[T], Any] = lambda value: value,
) -> T:
    """The value kept for `what` (JSON values), else that of `find()`, which is kept unless `keep`
    is False.

    `read` turns the JSON value back and raises ValueError, TypeError or KeyError where it is none;
    `written` makes it.
    """
    path = folder / digest(what)
    try:
        return read(read_sealed(path))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        found = find()
    if keep:
        write_sealed(path, written(found))
    return found


def number_of_rows(value: Any) -> int:
    """A count as it was kept; ValueError for anything else."""
    if type(value) is int and value >= 0:
        return value
    raise ValueError(f"{value!r} is no number of rows")


def names(value: Any) -> list[str]:
    """Names as they were kept; ValueError for anything else."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    raise ValueError(f"{value!r} are no names")
