"""A sweep, opened: all that a verb needs of it, found once.

Reading the file, taking label tables from the data and making the plan each happen here and nowhere
else, so that `run` drives the very plan that `check` looked at. What only reads results needs less:
`given.folder_of`.
"""

from __future__ import annotations

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
    """A sweep and what belongs to it."""

    sweep: Sweep
    """With the label tables that its tasks take from their training rows."""
    plan: Plan
    """Of that sweep."""
    store: Store
    context: DataContext
    """Where its rows and models are looked for."""
    file: str | None
    """The file that it came from; None for a `Sweep` of the caller's own."""
    unread_labels: str = ""
    """Why a label table could not be read; its task then has none yet."""

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
) -> Opened:
    """Opens what a verb was asked about. Raises SweepError.

    Label tables come from the data and are kept in the store, which is prepared for it; without
    `labels` nothing is read but the file, and nothing is written. A table that cannot be read is no
    error yet: the check of the data says what is wrong.
    """
    sweep = load(given, store=store, mirror=mirror, tracking=tracking)
    home = Store(sweep.store)
    context = data_context(given, sweep, home)
    unread = ""
    if labels:
        home.prepare()
        try:
            sweep = with_labels(sweep, context)
        except DataError as error:
            unread = str(error)
    return Opened(
        sweep=sweep,
        plan=make_plan(sweep),
        store=home,
        context=context,
        file=file_of(given),
        unread_labels=unread,
    )
