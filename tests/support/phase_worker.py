"""A worker process for tests: `phase_worker.py STORE SPECS.json [RANK WORLD MEETING [KILL_AT]]`.

Runs the phases in SPECS (a list of specs) one after the other, alone or as RANK of a group of WORLD
processes that meets in the file MEETING. With KILL_AT, the first report at or after that step ends
in SIGKILL; partial checkpoints are then written after every update.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch.distributed as dist

from xstilts.spec.phase import PhaseSpec
from xstilts.training.phase import Context, Report, run_phase


def main(
    store: str, specs: str, rank: str = "0", world: str = "0", meeting: str = "", kill_at: str = "0"
) -> None:
    """See above."""
    if int(world):
        dist.init_process_group(
            "gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=int(world)
        )
    deadly = int(kill_at)

    def report(report: Report) -> bool:
        if deadly and report.step >= deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    context = Context(store=store, partial_every_seconds=0 if deadly else 60)
    for spec in json.loads(Path(specs).read_text()):
        run_phase(PhaseSpec.model_validate(spec), context, report)
    if int(world):
        dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
