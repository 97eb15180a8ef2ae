"""Whether simulated schedules hold: stub phases that sleep, on the real engine, against
`planning.schedule.simulate`.

    python tests/benchmarks/schedule.py [SLOTS ...]

A sweep of four intermediates, three targets and two trials a study (about ninety phases) runs
through board, Optuna, Ray Tune and store as any sweep does; only its phases sleep for the time that
the simulation is given, and keep a record. Prints, for 4 and for 8 slots, the makespan of both from
the first phase's start to the last one's end, and for 8 slots also that of the order by trial
numbers alone, simulated. Wanted: less than 10% apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.own_environment import use_own_environment
from tests.support.sweeps import SPACE, task
from xstilts.driver.trial import Handoff, PhaseTrial, _guarded
from xstilts.planning import Plan, Slot, make_plan
from xstilts.planning.schedule import Order, Places, simulate
from xstilts.spec.sweep import Model, Resources, Search, Sweep

INTERMEDIATES = {"long": 12.0, "middle": 6.0, "short": 3.0, "tiny": 1.5}
"""Name to the seconds of one training."""
TARGETS = {"slow": 5.0, "usual": 3.0, "quick": 1.5}
EVALUATED = 0.2
"""Share of its training's time that an evaluation takes."""


def sweep_of(slots: int) -> Sweep:
    """The sweep, for so many phases at the same time."""
    return Sweep(
        name=f"stubs-{slots}",
        models=(Model(id="org/model"),),
        intermediates=("none", *INTERMEDIATES),
        targets=tuple(TARGETS),
        seeds=(1, 2),
        tasks=tuple(task(name) for name in (*INTERMEDIATES, *TARGETS)),
        intermediate=SPACE,
        target=SPACE,
        search=Search(trials=2),
        resources=Resources(slots=slots),
        tracking="off",
    )


def seconds(slot: Slot) -> float:
    """How long a slot's phase sleeps."""
    if slot.kind == "evaluate":
        return EVALUATED * TARGETS[slot.target]
    return {**INTERMEDIATES, **TARGETS}[slot.task]


class StubTrial(PhaseTrial):
    """A trial whose phases sleep and then keep a record."""

    def _begin(self, config: dict[str, Any]) -> None:
        self._handoff = Handoff(bool(config["waits"]))
        self._thread = threading.Thread(
            target=_guarded, args=(_sleep, config, self._handoff), daemon=True
        )
        self._thread.start()


def _sleep(config: dict[str, Any], handoff: Handoff) -> str:
    from tests.support.builders import evaluation_result, provenance, train_result
    from xstilts.spec.phase import PhaseSpec
    from xstilts.store.phases import Store

    began, sleeps = time.time(), config["context"]["sleeps"]
    spec = PhaseSpec.model_validate(config["spec"])
    time.sleep(sleeps[config["slot"]])
    if spec.action == "train":
        result: Any = train_result(50.0 + int(spec.id[:4], 16) / 65536)
    else:
        result = evaluation_result({"en": {"accuracy": 50.0}}, {"en": 10})
    phase = Store(config["context"]["store"]).phase(spec.id)
    phase.begin(spec)
    phase.finish(spec, result, provenance(time.time() - began))
    with open(Path(config["context"]["store"]) / "times", "a") as file:
        file.write(f"{began} {time.time()} {os.getpid()} {config['slot']}\n")
    return "done"


def real(plan: Plan, folder: Path) -> tuple[float, int]:
    """Runs the sweep; seconds from the first phase's start to the last one's end, and how many
    phases were run.
    """
    from tests.support.builders import ledger_rows
    from xstilts.driver import engine
    from xstilts.driver.board import Board
    from xstilts.driver.search import Studies
    from xstilts.planning.filling import Revisions
    from xstilts.store.ledger import Ledger
    from xstilts.store.phases import Store

    engine.PhaseTrial = StubTrial  # type: ignore[misc]
    store = Store(folder).prepare()
    home = store.sweep_folder(plan.sweep.name, plan.sweep.version)
    studies = Studies(home, plan.sweep.search, plan.studies, "stubs")
    board = Board(plan, Ledger(home), store, studies, Revisions(), seconds)
    context = {
        "store": store.address,
        "threads": 1,
        "sleeps": {slot.key: seconds(slot) for slot in plan.slots},
    }
    ended = engine.run(board, plan.sweep, context)
    assert not ended.failures and not ended.stopped, ended
    errors = {row["error"].split("\n")[0] for row in ledger_rows(home) if row.get("error")}
    assert not errors, f"phases were tried again, so the times say nothing: {errors}"
    lines = [line.split(maxsplit=3) for line in (folder / "times").read_text().splitlines()]
    twice = [slot for slot, n in Counter(line[3] for line in lines).items() if n > 1]
    again = [line for line in lines if line[3] in twice]
    assert not twice, f"phases ran twice, so the times say nothing: {sorted(again)}"
    return max(float(t[1]) for t in lines) - min(float(t[0]) for t in lines), len(lines)


def by_trial_numbers(plan: Plan, places: list[Places]) -> float:
    """The makespan of the order that knows trial numbers alone."""
    rank: Callable[..., Any] = Order.rank
    last = float(len(plan.slots))

    def former(order: Order, slot: Slot) -> tuple[float, int]:
        return (last if slot.trial is None else float(slot.trial), order._place[slot.key])

    try:
        Order.rank = former  # type: ignore[method-assign, assignment]
        return simulate(plan, places).seconds
    finally:
        Order.rank = rank  # type: ignore[method-assign]


def main(*counts: str) -> None:
    """Prints the comparison."""
    use_own_environment()
    worst = 0.0
    for slots in map(int, counts or ("4", "8")):
        plan = make_plan(sweep_of(slots))
        places = [Places(kind="", count=slots, seconds=seconds)]
        simulated = simulate(plan, places)
        with tempfile.TemporaryDirectory() as folder:
            took, phases = real(plan, Path(folder))
        apart = took / simulated.seconds - 1
        worst = max(worst, abs(apart))
        print(
            f"{slots} slots, {phases} of at most {len(simulated.runs)} phases: simulated "
            f"{simulated.seconds:.1f} s ({simulated.idle:.0%} idle, longest way "
            f"{simulated.longest_way:.1f} s), real {took:.1f} s: {apart:+.1%}; by trial numbers "
            f"alone {by_trial_numbers(plan, places):.1f} s",
            flush=True,
        )
    print(f"at most {worst:.1%} apart (wanted: below 10%)")


if __name__ == "__main__":
    main(*sys.argv[1:])
