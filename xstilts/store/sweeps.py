"""The sweep of a run, kept beside its ledger.

It is the whole sweep, with every default and the label tables of its tasks, so that a report, the
MLflow mirror and a later run know what the ledger's slots mean even if the sweep file is gone. A
name and a version stand for one plan; `driver.session` checks that before anything is written here.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from xstilts.errors import CorruptError, StoreError, first_line
from xstilts.spec.digests import digest
from xstilts.spec.sweep import Sweep
from xstilts.store.local_files import write_json


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
    """The sweep kept in `folder`; None where there is none or the file is damaged."""
    try:
        return _parsed(folder)
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def keep_sweep(folder: Path, sweep: Sweep) -> None:
    """Writes the sweep with its digest, replacing what was there. Raises StoreError."""
    values = sweep.model_dump(mode="json")
    write_json(_path(folder), {**values, "digest": digest(values)})


def _parsed(folder: Path) -> Sweep:
    """Raises OSError, and ValueError for what is no sweep or not as it was written. A sweep that
    was kept without a digest is taken as it is.
    """
    values = json.loads(_path(folder).read_bytes())
    if not isinstance(values, dict):
        raise ValueError("not a sweep")
    written = values.pop("digest", None)
    if written is not None and digest(values) != written:
        raise ValueError("it is not as it was written")
    return Sweep.model_validate(values)


def _first_problem(error: Exception) -> str:
    """What is wrong, in a line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return first_line(error)


def _path(folder: Path) -> Path:
    return folder / "sweep.json"
