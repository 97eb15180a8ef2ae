"""The ledger by phase: which slots a phase fills, and which of them names its run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from xstilts.store.ledger import Entry
from xstilts.tracking.run_view import STATUS


class Book:
    """The ledger by phase."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.slots: dict[str, list[Entry]] = defaultdict(list)
        self.chosen: set[str] = set()
        """Phases that final scores come from: the evaluations and the trainings before them."""
        for entry in entries:
            if entry.state in STATUS:
                self.slots[entry.phase or entry.slot].append(entry)
            if entry.kind == "evaluate" and entry.role == "final":
                trained = (stage for stage in entry.lineage if stage.kind != "pretrain")
                self.chosen |= {entry.phase, entry.train_phase, *(stage.phase for stage in trained)}

    def main(self, key: str) -> Entry:
        """The slot that names the run: finished before failed, final before trial, then first."""
        return min(self.slots[key], key=lambda e: (not e.state.finished, e.role != "final"))
