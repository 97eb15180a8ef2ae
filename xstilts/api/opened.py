"""What a verb was asked about: a sweep file, a `Sweep`, or the folder where a sweep was run."""

from __future__ import annotations

import os
from pathlib import Path

from xstilts import sweep_file
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store

AnySweep = str | os.PathLike[str] | Sweep


def load(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Sweep:
    """The sweep, with what was given in place of what its file says. Raises SweepError."""
    if not isinstance(sweep, Sweep):
        return sweep_file.load(sweep, store=store, mirror=mirror, tracking=tracking)
    given = {"store": store, "mirror": mirror, "tracking": tracking}
    return sweep.model_copy(update={k: v for k, v in given.items() if v is not None})


def folder_of(
    sweep: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> tuple[Store, Path]:
    """The store of a sweep and its folder there. A path to such a folder stands for the sweep,
    too.
    """
    if not isinstance(sweep, Sweep) and (Path(sweep) / "ledger.jsonl").exists():
        folder = Path(sweep).absolute()
        return Store(folder.parent.parent), folder
    loaded = load(sweep, store=store, mirror=mirror, tracking=tracking)
    opened = Store(loaded.store)
    return opened, opened.sweep_folder(loaded.name, loaded.version)


def file_of(sweep: AnySweep) -> str | None:
    """The file that was named, if one was."""
    return None if isinstance(sweep, Sweep) else os.fspath(sweep)


def base_of(sweep: AnySweep) -> str:
    """The folder that relative paths of a sweep start from."""
    file = file_of(sweep)
    return str(Path(file).absolute().parent if file else Path.cwd())
