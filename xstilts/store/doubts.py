"""What is doubtful about the numbers of a sweep, kept beside its ledger as `doubts.json`.

`check` finds doubts in the data; a run keeps them, so that the report of its numbers can say them
too, after the data are gone. A run again replaces them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from xstilts.errors import CorruptError, first_line
from xstilts.store.sealed import read_sealed, write_sealed


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Something about a task's data or settings that a reader of its numbers must know."""

    task: str
    message: str
    """A sentence: where, what, what it means, what to do."""

    def __str__(self) -> str:
        return f"{self.task}: {self.message}"


def keep_doubts(folder: Path, doubts: Iterable[Doubt]) -> None:
    """Writes the doubts into a sweep's folder, over what was there. Raises StoreError."""
    write_sealed(_path(folder), [asdict(doubt) for doubt in doubts])


def read_doubts(folder: Path) -> tuple[Doubt, ...]:
    """The doubts kept in a sweep's folder; none where no run has kept any. CorruptError where the
    file can't be read.
    """
    try:
        return tuple(Doubt(**value) for value in read_sealed(_path(folder)))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CorruptError(
            f"{_path(folder)}: damaged ({first_line(error)}); `xstilts run` writes it again"
        ) from error


def _path(folder: Path) -> Path:
    return folder / "doubts.json"
