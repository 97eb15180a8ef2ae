"""A chain in the store of `build_store`: one of its intermediates becomes a chain, in place."""

from __future__ import annotations

from pathlib import Path

from xstilts.store.ledger import Ledger, StagePhase
from xstilts.store.sealed import read_sealed, write_sealed


def become_chain(folder: Path, label: str, *stages: str) -> None:
    """The intermediate `label` of the sweep in `folder` becomes a chain of that name. Its earlier
    stages are the chosen trainings of the other intermediates; its own training is the last stage.
    """
    sweep = read_sealed(folder / "sweep.json")
    sweep["intermediates"] = [
        {"chain": list(stages), "name": label} if one == label else one
        for one in sweep["intermediates"]
    ]
    write_sealed(folder / "sweep.json", sweep)
    ledger = Ledger(folder)
    entries = ledger.entries()
    before = tuple(
        next(
            StagePhase(kind="intermediate", task=stage, phase=entry.phase)
            for entry in entries
            if (entry.kind, entry.intermediate, entry.trial) == ("intermediate", stage, 1)
        )
        for stage in stages[:-1]
    )
    for entry in entries:
        if entry.intermediate == label:
            lineage = tuple(
                stage.model_copy(update={"task": stages[-1]}) if stage.task == label else stage
                for stage in entry.lineage
            )
            task = stages[-1] if entry.task == label else entry.task
            ledger.write(entry.model_copy(update={"task": task, "lineage": (*before, *lineage)}))
