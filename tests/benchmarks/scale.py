"""Ten thousand phases with stub training through the real driver: pace and memory.

python tests/benchmarks/scale.py [--phases 10000] [--with-ray | --objects] [--profile]
                                 [--place /dev/shm]

Without Ray: board, ledger, studies and store in this process; a stub leaves what a worker would.
With `--objects` the same, where the store lies in moto's server, another process of this machine.
With Ray: `xstilts.run` as a user starts it, the mirror included, where only the phase itself is the
stub. Wanted: at least 50 phases a second without Ray and 20 with; memory that does not grow with
the number of phases that are done (the slope over the second half of the run, in KB a phase); every
record and every run of MLflow there afterwards. Waiting for the disk is most of the bookkeeping on
a slow one; `--place /dev/shm` shows the rest.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support import object_servers
from tests.support.own_environment import use_own_environment
from tests.support.stub_phases import leave, many

ROOT = Path(__file__).resolve().parents[2]
STUB = ROOT / "tests" / "support" / "stub_worker"


class Gauge:
    """Samples the memory of this process and how many phases are done."""

    def __init__(self, every: int) -> None:
        self.every, self.began = every, time.perf_counter()
        self.samples: list[tuple[int, float, float]] = []
        """Phases done, seconds, MB of resident memory."""

    def at(self, done: int) -> None:
        if not self.samples or done >= self.samples[-1][0] + self.every:
            self.samples.append((done, time.perf_counter() - self.began, resident_mb()))

    def print(self) -> None:
        before = (0, 0.0, self.samples[0][2])
        for sample in self.samples[1:]:
            pace = (sample[0] - before[0]) / max(1e-9, sample[1] - before[1])
            print(f"{sample[0]:>8,} phases {sample[1]:8.1f} s {pace:8.1f} /s {sample[2]:8.0f} MB")
            before = sample
        half = self.samples[len(self.samples) // 2 :]
        if len(half) > 1 and half[-1][0] > half[0][0]:
            slope = 1000 * (half[-1][2] - half[0][2]) / (half[-1][0] - half[0][0])
            print(f"memory grows by {slope:.1f} KB a phase over the second half")


def resident_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def without_ray(phases: int, place: str | Path) -> None:
    """The board and what it stands on."""
    from xstilts.driver.board import Board
    from xstilts.driver.search import Studies
    from xstilts.planning.filling import Revisions
    from xstilts.store.ledger import LEDGER, Ledger
    from xstilts.store.phases import Store
    from xstilts.store.sweep_copies import JOURNAL
    from xstilts.store.sweeps import keep_sweep

    sweep, plan = many(phases)
    store = Store(place).prepare()
    folder = store.sweep_folder(sweep.name, sweep.version)
    with store.driven(folder) as sender:
        books = [sender.follower(name) if sender else None for name in (LEDGER, JOURNAL)]
        keep_sweep(folder, sweep)
        studies = Studies(folder, sweep.search, plan.studies, "many-v1", books[1])
        board = Board(plan, Ledger(folder, books[0]), store, studies, Revisions())
        gauge, cpu, done = Gauge(len(plan.slots) // 20), time.process_time(), 0
        in_stub = cpu_in_stub = 0.0
        while (assignment := board.next()) is not None:
            gauge.at(done)
            began = time.perf_counter(), time.process_time()
            leave(assignment.spec, store.phase(assignment.spec.id))
            in_stub += time.perf_counter() - began[0]
            cpu_in_stub += time.process_time() - began[1]
            board.done(assignment.slot)
            done += 1
        gauge.at(done + gauge.every)
    assert board.settled, board.snapshot()
    gauge.print()
    cpu = time.process_time() - cpu - cpu_in_stub
    took = gauge.samples[-1][1] - in_stub
    print(
        f"without Ray: {done:,} phases; bookkeeping {took:.0f} s, {done / took:.0f} a second "
        f"(wanted: at least 50), {1000 * cpu / done:.1f} ms CPU each; the stub took {in_stub:.0f} s"
    )
    assert len(store.done()) == done


def in_objects(phases: int, made: str) -> None:
    """Without Ray, in a store of objects."""
    with object_servers.moto_apart() as at:
        os.environ.update(object_servers.settings(at))
        os.environ["XSTILTS_CACHE"] = made
        without_ray(phases, object_servers.address())


def with_ray(phases: int, place: Path) -> None:
    """`xstilts.run` from the board on, with its mirror; each phase is a stub in a trial."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(STUB), str(ROOT)])
    from xstilts.api.opened import Opened
    from xstilts.api.runs import _drive
    from xstilts.driver.board import Board
    from xstilts.driver.search import Studies
    from xstilts.driver.session import OwnLedger, driver
    from xstilts.planning.filling import Revisions
    from xstilts.sources.context import DataContext
    from xstilts.store.phases import Store
    from xstilts.store.sweeps import keep_sweep

    sweep, plan = many(phases, tracking=None)
    store = Store(place).prepare()
    context = DataContext(mirror=None, base=str(place), cache=str(store.data))
    opened = Opened(sweep=sweep, plan=plan, store=store, context=context, file=None)
    keep_sweep(opened.folder, sweep)
    gauge, cpu = Gauge(len(plan.slots) // 20), time.process_time()

    def watch(snapshot: dict[str, Any]) -> None:
        counts = snapshot.get("counts", {})
        gauge.at(counts.get("done", 0))

    with driver(store, sweep) as lease:
        studies = Studies(opened.folder, sweep.search, plan.studies, "many-v1")
        board = Board(plan, OwnLedger(opened.folder, lease), store, studies, Revisions())
        ran = _drive(board, opened, lease, watch, print, [])
    cpu = time.process_time() - cpu
    gauge.print()
    took = gauge.samples[-1][1] - gauge.samples[1][1]
    done = gauge.samples[-1][0] - gauge.samples[1][0]
    print(
        f"with Ray: {ran.started:,} phases in {ran.seconds:.0f} s, {done / took:.0f} a second once "
        f"started (wanted: at least 20), {1000 * cpu / ran.started:.1f} ms CPU of the driver each"
    )
    assert ran.exit_code == 0, ran
    assert len(store.done()) == ran.started
    from xstilts import track

    began = time.perf_counter()
    missing = track(opened.folder).sent if ran.warnings else 0
    print(f"the mirror lacked {missing:,} runs; sent in {time.perf_counter() - began:.0f} s")


def main() -> None:
    """Runs what was asked for."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--phases", type=int, default=10_000)
    asked.add_argument("--with-ray", action="store_true")
    asked.add_argument("--objects", action="store_true")
    asked.add_argument("--profile", action="store_true")
    asked.add_argument("--place", help="folder for the store; else that for temporary files")
    given = asked.parse_args()
    use_own_environment()
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory(prefix="xstilts-scale-", dir=given.place) as made:
        if given.profile:
            profile.enable()
        if given.with_ray:
            with_ray(given.phases, Path(made))
        elif given.objects:
            in_objects(given.phases, made)
        else:
            without_ray(given.phases, Path(made))
        if given.profile:
            profile.disable()
            pstats.Stats(profile).sort_stats("cumulative").print_stats(50)


if __name__ == "__main__":
    main()
