"""An opened sweep: everything that a verb needs, made once.

Only this module reads the file, takes label tables from the data and makes the plan, so that `run`
drives the same plan that was checked. Verbs that only read results need less: `given.folder_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xstilts.api.given import AnySweep, file_of, load
from xstilts.api.inputs import data_context, with_labels
from xstilts.errors import DataError
from xstilts.planning import Plan, make_plan
from xstilts.spec.sweep import Sweep
from xstilts.store.phases import Store

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A sweep with its plan, store and context."""

    sweep: Sweep
    """Has the label tables that tasks take from their training rows."""
    plan: Plan
    """The plan of `sweep`."""
    store: Store
    context: DataContext
    """Where its rows and models are looked for."""
    file: str | None
    """The file that was read; None where the caller gave a `Sweep`."""
    unread_labels: str = ""
    """Why label tables could not be read, if any could not; their tasks have no labels yet."""

    @property
    def folder(self) -> Path:
        """The sweep's own folder in the store."""
        return self.store.sweep_folder(self.sweep.name, self.sweep.version)


def open_sweep(
    given: AnySweep,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
    labels: bool = True,
    tell: Callable[[str], None] = lambda doing: None,
) -> Opened:
    """Opens a verb's argument. Raises SweepError.

    Label tables come from the data and are cached in the store, so the store is prepared. Without
    `labels` only the file is read, and nothing is written. A table that can't be read is no error
    yet: the check of the data tells what is wrong. `tell` is told what is being done.
    """
    sweep = load(given, store=store, mirror=mirror, tracking=tracking)
    home = Store(sweep.store)
    context = data_context(given, sweep, home)
    unread = ""
    if labels:
        home.prepare()
        tell("reading the sweep's label tables")
        try:
            sweep = with_labels(sweep, context)
        except DataError as error:
            unread = str(error)
    home.refresh(home.sweep_folder(sweep.name, sweep.version))
    return Opened(
        sweep=sweep,
        plan=make_plan(sweep),
        store=home,
        context=context,
        file=file_of(given),
        unread_labels=unread,
    )
