"""The sweep of a run, kept beside its ledger.

It is the whole sweep, with every default and the label tables of its tasks, so that a report, the
MLflow mirror and a later run know what the ledger's slots mean even if the sweep file is gone. A
name and a version stand for one plan; `driver.session` checks that before anything is written here.
The file has a digest (`sealed`): a metric or a target with one letter flipped would show other
scores.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from xstilts.errors import CorruptError, StoreError, first_line
from xstilts.spec.sweep import Sweep
from xstilts.store.inside import inside
from xstilts.store.sealed import read_sealed, write_sealed
from xstilts.sweep_file import name_rules

_FILES = ("sweep.json", "ledger.jsonl", "studies.journal", "doubts.json", "report")


def own_folder(folder: Path) -> Path:
    """The folder of a sweep itself; StoreError where one of its files is a link that leads out of
    it, since some are appended to.
    """
    for name in _FILES:
        inside(folder, name)
    return folder


def read_sweep(folder: Path) -> Sweep:
    """The sweep kept in `folder`; StoreError where there is none, CorruptError where it can't be
    read.
    """
    try:
        return _parsed(folder)
    except FileNotFoundError:
        raise StoreError(
            f"{folder}: nothing has been run yet; start it with `xstilts run`"
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        why = _first_problem(error)
        raise CorruptError(
            f"{_path(folder)}: damaged ({why}); `xstilts run` writes it again"
        ) from error


def sweep_before(folder: Path) -> Sweep | None:
    """The sweep kept in `folder`; None where there is none. CorruptError where it can't be read."""
    return read_sweep(folder) if _path(folder).exists() else None


def keep_sweep(folder: Path, sweep: Sweep) -> None:
    """Writes the sweep, replacing what was there. Raises StoreError."""
    write_sealed(_path(folder), sweep.model_dump(mode="json"))


def _parsed(folder: Path) -> Sweep:
    sweep = Sweep.model_validate_json(json.dumps(read_sealed(_path(folder))))
    wrong = next(name_rules.problems(sweep), "")
    if wrong:
        raise ValueError(wrong)
    return sweep


def _first_problem(error: Exception) -> str:
    """What is wrong, in a line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return first_line(error)


def _path(folder: Path) -> Path:
    return folder / "sweep.json"
