"""Processes that leave a run before their phase is done, and whose fault that is.

    left    it was told to: its node is to go, or the run ends. It has kept a partial checkpoint
    lost    its node has died
    hung    it made no progress within its deadline, and was killed
    short   its group of workers ran out of memory, and begins again with smaller micro-batches
    died    it ended by itself: it crashed, or was killed for its memory

A phase that left or was lost is handed out again, and no failed attempt is counted, up to
`MOST_LOSSES` times: a node that dies again and again whenever a phase runs there may be its fault
after all. The others count.

A phase that hung may have hung because of its node: a broken GPU, a disk that gives no answer. So
its next attempt goes to another node, where one fits (`Drive.hand_out`).

A worker's lease outlives the worker by up to a minute where its process can't be judged from the
place of the next one. Where Ray says that its node is dead, the driver, who alone hands out the
phase, frees it at once. A node may be cut off and not dead: then its worker learns at its next
renewal that the lease is another's, and keeps nothing from then on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import ray

from xstilts.driver.nodes import Nodes
from xstilts.driver.trial import GONE
from xstilts.errors import StoreError, first_line
from xstilts.store.phases import Store

Kind = Literal["left", "lost", "hung", "short", "died"]

MOST_LOSSES = 20
"""How often a phase may lose its process through no fault of its own in one run."""
SILENT = 1.3
"""Deadlines after which a process that says nothing at all is killed; its own watchdog comes first.
"""
SILENT_SECONDS = 20.0
"""Time that is added to it: a busy machine is silent for a while."""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """How a trial's process went."""

    kind: Kind
    why: str
    """In words."""


@dataclass(kw_only=True)
class _Process:
    """What is known of the process of a trial."""

    phase: str
    heard: float
    nodes: Sequence[str] = ()
    writer: Sequence[Any] = ()
    """Node, host and id of the process that holds the worker's lease."""
    told: Literal["", "node", "run"] = ""
    """Why it was told to leave: its node is to go, or the run ends; empty where it was not."""
    ended: Departure | None = None


@dataclass
class Departures:
    """Of one run. The driver's loop alone calls it."""

    store: Store
    deadline_seconds: float
    """Time without progress after which a phase hangs; 0: none does."""
    folder: Path
    """Where stacks are written to."""
    nodes: Nodes = field(default_factory=Nodes)
    kill: Callable[[Any], None] = ray.kill
    clock: Callable[[], float] = time.monotonic
    counts: Counter[Kind] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    """What the run says at its end, a sentence each."""
    _processes: dict[str, _Process] = field(default_factory=dict)
    hung_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Phase to the nodes on which it hung, in this run."""
    _losses: Counter[str] = field(default_factory=Counter)
    _looked: float = 0.0

    def begin(self, trial: str, phase: str) -> None:
        """A trial was made for a phase."""
        self._processes[trial] = _Process(phase=phase, heard=self.clock())

    def heard(self, trial: Any, row: Mapping[str, Any]) -> bool:
        """Takes a row of a trial; True where its process was killed, because the phase has left it,
        hangs, or must begin again.
        """
        process = self._processes.get(trial.trial_id)
        if process is None:
            return False
        process.heard = self.clock()
        process.nodes, process.writer = row.get("nodes", ()), row.get("writer", ())
        if row.get("status") not in GONE:
            return False
        if process.ended is None:
            self._end(trial, process, row["status"], row.get("error", ""))
        return True

    def _end(self, trial: Any, process: _Process, kind: Kind, why: str) -> None:
        """Kills the process of a trial; Tune then sees it die."""
        if kind == "hung":
            why = self._written(process, why)
        process.ended = Departure(kind=kind, why=why)
        actor = trial.temporary_state.ray_actor
        if actor is not None:
            with suppress(Exception):  # it has died just now
                self.kill(actor)

    def _written(self, process: _Process, where: str) -> str:
        """Writes the stacks of a hanging phase beside the ledger; what is said of it."""
        node, host, pid = process.writer or ("", "?", 0)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{process.phase}-{int(time.time())}.txt"
        file.write_text(where)
        said = (
            f"it hung: {first_line(where)}, in process {pid} of {host} on node "
            f"{self.nodes.name(node)}, which was killed; where each thread stood: {file}"
        )
        self.told.append(f"phase {process.phase}: {said}")
        return f"{said}\n\n{where}"

    def look(self, trials: Sequence[Any], leaving: bool, halted: Container[str] = ()) -> None:
        """Looks once a second which trials must leave (all of them where the run is `leaving`, else
        the `halted`), and which have been silent for too long.
        """
        now, before = self.clock(), self._looked
        if now - before < 1:
            return
        self._looked = now
        for trial in trials:
            process = self._processes.get(trial.trial_id)
            if process is None or process.ended is not None:
                continue
            actor = trial.temporary_state.ray_actor
            if actor is None:
                process.heard = now  # it waits for its place, maybe for hours
                continue
            if now - before > SILENT_SECONDS:
                process.heard = now  # this process itself was stopped
            going = bool(self.nodes.draining.intersection(process.nodes))
            if not process.told and (going or leaving or trial.trial_id in halted):
                process.told = "node" if going else "run"
                actor.leave.remote()
            patience = SILENT * self.deadline_seconds + SILENT_SECONDS
            if self.deadline_seconds and now - process.heard > patience:
                self._end(trial, process, "hung", self._silent(process, now - process.heard))

    def _silent(self, process: _Process, seconds: float) -> str:
        node, _, pid = process.writer or ("", "", 0)
        stacks = self.nodes.stacks(node, pid) if node else ""
        said = f"no sign of life for {seconds / 60:.1f} min"
        return f"{said}\n\n{stacks or 'it left no stacks'}"

    def died(self, trial: Any) -> None:
        """The process of a trial has ended, before Tune says so."""
        process = self._processes.get(trial.trial_id)
        if process is not None and not process.nodes:
            node = self.nodes.of(trial.temporary_state.ray_actor)
            process.nodes = [node] if node else []

    def end(self, trial: str) -> Departure:
        """How a trial's process went, which has ended."""
        process = self._processes.pop(trial)
        nodes = process.nodes
        gone = [node for node in nodes if self.nodes.gone(node)]
        ended = process.ended
        if ended is None and gone:
            ended = Departure(kind="lost", why=f"its node {self.nodes.name(gone[0])} was lost")
        if ended is None:
            where = f" on node {self.nodes.name(nodes[0])}" if nodes else ""
            ended = Departure(kind="died", why=f"the trial's process died{where}")
        if ended.kind == "hung":
            before = self.hung_on.get(process.phase, ())
            self.hung_on[process.phase] = tuple(dict.fromkeys([*before, *nodes]))
        if process.told != "run":
            self.counts[ended.kind] += 1
        if process.writer and (gone or ended.kind in GONE):
            _, host, pid = process.writer
            with suppress(StoreError):  # the next worker waits until it runs out
                self.store.lease(f"worker-{process.phase}").free_from(host, pid)
        return ended

    def sentences(self) -> list[str]:
        """What the run says at its end."""
        words: dict[Kind, str] = {
            "left": "left its node, which was to go,",
            "lost": "lost its node",
        }
        counted = [
            f"a phase {said} {'once' if times == 1 else f'{times} times'} and went on from its "
            "last checkpoint"
            for kind, said in words.items()
            if (times := self.counts[kind])
        ]
        return [*self.told, *counted]

    def may_lose(self, phase: str) -> bool:
        """Counts that a phase lost its process through no fault of its own; False where that has
        happened too often.
        """
        self._losses[phase] += 1
        return self._losses[phase] <= MOST_LOSSES

    def forget(self, trial: str) -> None:
        """A trial has ended, and its process lives on."""
        self._processes.pop(trial, None)

    def lost_a_node(self, trial: str) -> bool:
        """Whether a node on which a trial's phase runs is gone."""
        process = self._processes.get(trial)
        return process is not None and any(map(self.nodes.gone, process.nodes))
