"""MLflow as a mirror of the records: whatever is missing there can be sent again, at any time.

A sweep is one experiment, with one run for the sweep and a nested run for each phase (`view` says
what they hold). A `Tracker` compares what MLflow is to hold with what it was last sent, and sends
the difference. It promises:

- *Idempotence.* A run is found by its phase id (tag `xstilts.key`), a number has a fixed time and
  step, and the tag `xstilts.sent`, the fingerprint of what a run holds, is written last. So a
  second sync sends nothing, a sync that was killed is completed by the next, and no run is ever
  made twice.
- *One writer.* Only the driver writes, from one thread; a new SQLite database is created under a
  file lock.
- *Nothing waits for it.* `TrackerThread` never blocks the run or raises into it: it waits for an
  unreachable server in the background, with one warning.

It uses no fluent API and no global tracking URI, and uploads nothing: a LoggedModel's tag
`xstilts.path` says where the checkpoint lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from xstilts.errors import InputError, TrackingError
from xstilts.spec.server_addresses import refused_address
from xstilts.spec.sweep import Sweep
from xstilts.store.ledger import Entry, require
from xstilts.store.phases import Store
from xstilts.store.sqlite_address import is_sqlite, sqlite_address
from xstilts.store.sweeps import read_sweep
from xstilts.tracking.glance import held
from xstilts.tracking.mirrored import Mirrored, read_mirrored
from xstilts.tracking.new_runs import NewRuns, new_runs
from xstilts.tracking.pages import experiment_tags, page
from xstilts.tracking.run_view import SWEEP_KEY, RunView
from xstilts.tracking.run_writer import retire_runs, send_run
from xstilts.tracking.server import Refused, connect, quiet, translated
from xstilts.tracking.transactions import together
from xstilts.tracking.view import View

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def tracking_uri(tracking: str | None, store: Store) -> str | None:
    """The URI for a sweep's `tracking`: SQLite inside the store by default, None for `off`.
    InputError where it holds a password.
    """
    if tracking == "off":
        return None
    wrong = refused_address(tracking) if tracking else None
    if wrong:
        raise InputError(f"tracking: {wrong}")
    return tracking or sqlite_address(store.path / "mlflow.db")


class Rebuilt(NamedTuple):
    """What `rebuild` did."""

    sent: int
    """Runs that were sent."""
    unreadable: dict[str, str]
    """Phase to what is wrong with its record; its run lacks results."""


def rebuild(store: Store, sweep_folder: Path, uri: str) -> Rebuilt:
    """Sends a sweep to MLflow from its ledger and records. TrackingError where the server can't be
    reached, or refused a run after all others were sent.
    """
    sweep = read_sweep(sweep_folder)
    tracker = Tracker(uri, sweep, store, sweep_folder)
    entries = require(sweep_folder).entries()
    store.expect({entry.phase for entry in entries if entry.phase})
    sent = tracker.sync(entries, everything=True)
    if tracker.problems.keys() - tracker.unreadable.keys():
        raise TrackingError(
            "\n".join(f"{phase}: {problem}" for phase, problem in tracker.problems.items())
        )
    return Rebuilt(sent, tracker.unreadable)


class Tracker:
    """Mirrors one sweep. Not thread-safe; nothing is sent before `sync`."""

    def __init__(self, uri: str, sweep: Sweep, store: Store, ledger_folder: Path) -> None:
        self.uri, self.sweep, self.folder = uri, sweep, ledger_folder
        self.problems: dict[str, str] = {}
        """Phase to why it could not be mirrored, although the server answers."""
        self._view = View(sweep, store)
        self._server: Mirrored | None = None
        self._experiment_id = ""
        self._sent: dict[str, str] = {}

    @property
    def experiment(self) -> str:
        """Name of the sweep's MLflow experiment."""
        return f"{self.sweep.name}-v{self.sweep.version}"

    @property
    def unreadable(self) -> dict[str, str]:
        """Those of `problems` that are about records of the store."""
        return dict(self._view.problems)

    @property
    def page(self) -> str | None:
        """Path of the table of pairs on the server's web pages; None before the first sync."""
        return page(self._experiment_id) if self._experiment_id else None

    def sync(self, entries: Sequence[Entry], everything: bool = False) -> int:
        """Brings MLflow up to date; returns how many runs were sent. TrackingError if the server
        can't be reached.

        With `everything`, runs are sent even if their fingerprint says that they are complete.
        """
        runs = self._view.runs(entries)
        self.problems = dict(self._view.problems)
        if not everything and self._is_held(runs):
            return 0
        try:
            with quiet():
                return self._sync(runs, everything)
        except BaseException:
            self._server = None  # what it holds is not known any more
            raise

    def _is_held(self, runs: Sequence[RunView]) -> bool:
        """Whether MLflow is known to hold all runs before it is connected to."""
        if self._server is not None:
            return False
        found = held(self.uri, self.experiment, experiment_tags(self.sweep), runs)
        if found is None:
            return False
        self._experiment_id = found
        self._sent = {run.key: run.fingerprint for run in runs}
        return True

    def _sync(self, runs: Sequence[RunView], everything: bool) -> int:
        with translated(self.uri):
            server = self._server = self._server or self._connect()
        self._experiment_id = server.experiment
        self._sent = server.sent
        if everything:
            server.sent.clear()
        due = [run for run in runs if server.sent.get(run.key) != run.fingerprint]
        with translated(self.uri), together(server.client) as between:
            new = new_runs(between.connection, server) if due else None
            for run in due:
                self._attempt(server, run, new)
                between()
            retire_runs(server, runs)
        return len(due) - sum(run.key in self.problems for run in due)

    def missing(self, entries: Sequence[Entry]) -> int:
        """How many runs MLflow, as far as is known, lacks or holds in an older state."""
        return sum(self._sent.get(run.key) != run.fingerprint for run in self._view.runs(entries))

    def _connect(self) -> Mirrored:
        client = connect(self.uri)
        return read_mirrored(client, self._find_or_create_experiment(client))

    def _find_or_create_experiment(self, client: MlflowClient) -> str:
        tags = experiment_tags(self.sweep)
        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            artifacts = (self.folder / "artifacts").absolute().as_uri()
            folder = artifacts if is_sqlite(self.uri) else None
            return str(
                client.create_experiment(self.experiment, artifact_location=folder, tags=tags)
            )
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"{self.uri}: experiment {self.experiment} was deleted there; restore it "
                "(`mlflow experiments restore "
                f"--experiment-id {found.experiment_id}`), or raise the sweep's version"
            )
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.set_experiment_tag(found.experiment_id, key, value)
        return str(found.experiment_id)

    def _attempt(self, server: Mirrored, run: RunView, new: NewRuns | None) -> None:
        """Sends one run; a refusal by the server is this run's problem alone."""
        try:
            with translated(self.uri):
                points = list(self._view.points(run))
                if new is None or run.key == SWEEP_KEY or not new.write(run, points):
                    send_run(server, run, points)
        except Refused as error:
            self.problems[run.key] = str(error)
