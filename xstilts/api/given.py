"""A verb's first argument: a sweep file, a `Sweep`, or the folder of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from xstilts import sweep_file
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store
from xstilts.store.sweeps import own_folder
from xstilts.sweep_file import language_rules, name_rules

AnySweep = str | os.PathLike[str] | Sweep


def load(
    given: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Sweep:
    """The sweep; arguments override what its file says. Raises SweepError, for a `Sweep` too: names
    and languages become parts of paths, whoever made them.
    """
    if not isinstance(given, Sweep):
        return sweep_file.load(given, store=store, mirror=mirror, tracking=tracking)
    overrides = {"store": store, "mirror": mirror, "tracking": tracking}
    wanted = given.model_copy(update={k: v for k, v in overrides.items() if v is not None})
    language_rules.sweep(wanted)
    name_rules.sweep(wanted)
    return wanted


class RunFolder(NamedTuple):
    """Where a sweep was run: enough for verbs that only read results."""

    store: Store
    folder: Path
    """The sweep's folder in the store: its ledger, studies and report."""


def folder_of(
    given: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    fresh: bool = True,
) -> RunFolder:
    """The store of a sweep and its folder there; the argument may be that folder itself. Where the
    store is an object store, the folder's copy here is brought up to date if it is to be `fresh`.
    """
    home, folder = _places(given, store=store, mirror=mirror, tracking=tracking)
    return RunFolder(home, home.refresh(folder) if fresh else folder)


def _places(
    given: AnySweep, *, store: str | None, mirror: str | None, tracking: str | None
) -> tuple[Store, Path]:
    if not isinstance(given, Sweep) and os.path.isfile(Path(given) / "ledger.jsonl"):
        folder = Path(given).absolute()
        return Store(folder.parent.parent), own_folder(folder)
    sweep = load(given, store=store, mirror=mirror, tracking=tracking)
    home = Store(sweep.store)
    return home, home.sweep_folder(sweep.name, sweep.version)


def file_of(given: AnySweep) -> str | None:
    """The sweep file, unless the argument is a `Sweep`."""
    return None if isinstance(given, Sweep) else os.fspath(given)


def base_of(given: AnySweep) -> str:
    """The folder that relative paths of a sweep start from."""
    file = file_of(given)
    return str(Path(file).absolute().parent if file else Path.cwd())
