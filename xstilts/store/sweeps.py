"""The sweep that a run was asked for, kept beside its ledger.

It is the whole sweep, with every default filled in and the label tables of its tasks, so that a
report, the mirror and a later run know what the ledger's slots mean, wherever the file went. A name
and a version stand for one plan; `driver.session` sees to that before anything is written here.
"""

from __future__ import annotations

from pathlib import Path

from xstilts.errors import CorruptError, StoreError
from xstilts.spec.sweep import Sweep
from xstilts.store.local_files import write_json


def read_sweep(folder: Path) -> Sweep:
    """The sweep kept in `folder`; StoreError where there is none, CorruptError where it can't be
    read.
    """
    try:
        return _parsed(folder)
    except FileNotFoundError:
        raise StoreError(f"{folder}: nothing has been run yet; `xstilts run` begins it") from None
    except (ValueError, OSError) as error:
        raise CorruptError(
            f"{_path(folder)}: damaged ({error}); `xstilts run` writes it again"
        ) from error


def sweep_before(folder: Path) -> Sweep | None:
    """The same before a run; None where none was kept or the file is damaged."""
    try:
        return _parsed(folder)
    except (FileNotFoundError, ValueError):
        return None


def keep_sweep(folder: Path, sweep: Sweep) -> None:
    """Writes the sweep whole, in place of what was there. Raises StoreError."""
    write_json(_path(folder), sweep.model_dump(mode="json"))


def _parsed(folder: Path) -> Sweep:
    return Sweep.model_validate_json(_path(folder).read_bytes())


def _path(folder: Path) -> Path:
    return folder / "sweep.json"
