"""What a store in an object store costs: questions to it and seconds, at a server on this machine.

python tests/benchmarks/objects.py [--phases 10000] [--megabytes 200]

Measured at moto's server in this process, so the seconds are mostly its own work; a real store adds
its latency to each question, of which the numbers here say how many there are and how many of them
go out together. Wanted: what a sweep asks does not grow with what is finished in its store.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.spec.test_phase import spec
from tests.support import object_servers
from tests.support.builders import provenance, train_result
from tests.support.own_environment import use_own_environment
from xstilts.store.chained import Chained
from xstilts.store.manifests import Manifest, manifest_key, text_entry
from xstilts.store.objects import Objects, objects_at
from xstilts.store.phases import Store
from xstilts.store.results import CurvePoint


class Counted:
    """Counts what is asked of a store."""

    def __init__(self, objects: Objects) -> None:
        self.number, ask = 0, objects.patience.ask

        def counting(question: Callable[[], Any]) -> Any:
            self.number += 1
            return ask(question)

        objects.patience.ask = counting  # type: ignore[method-assign]


@contextmanager
def timed(what: str, counted: Counted) -> Iterator[None]:
    """Says how long the block took and what it asked."""
    before, began = counted.number, time.perf_counter()
    yield
    took = time.perf_counter() - began
    print(f"{what:<58}{took:8.2f} s {counted.number - before:7,} questions")


def main() -> None:
    """Makes the store and measures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--phases", type=int, default=10_000)
    asked.add_argument("--megabytes", type=int, default=200)
    given = asked.parse_args()
    use_own_environment()
    with (
        tempfile.TemporaryDirectory(prefix="xstilts-objects-") as made,
        object_servers.moto() as at,
    ):
        os.environ.update(object_servers.settings(at))
        os.environ["XSTILTS_CACHE"] = made
        place = object_servers.address()
        counted = Counted(objects_at(place))
        _one_phase(Store(place), Path(made), given.megabytes, counted)
        _many_phases(Store(place), given.phases, counted)
        _books(Store(place), counted)


def _one_phase(store: Store, made: Path, megabytes: int, counted: Counted) -> None:
    """A training with three partial checkpoints, and predictions in forty languages."""
    block = os.urandom(1 << 20)
    with timed("prepare: can the store be written to, on conditions?", counted):
        store.prepare()
    phase = store.phase(spec().id)
    with timed("begin", counted):
        phase.begin(spec())
    for step in (1, 2, 3):
        with (
            timed(f"partial checkpoint {step}, {megabytes} MB of it new", counted),
            phase.staging() as p,
        ):
            (p / "state.pt").write_bytes(bytes([step]) + block * megabytes)
            (p / "best.pt").write_bytes(block * megabytes)
            phase.keep_partial(step, p)
    with timed("predictions in 40 languages", counted):
        for number in range(40):
            phase.keep_predictions(f"l{number}", {"id": [*range(500)], "right": [True] * 500})
    with timed(f"checkpoint, {megabytes} MB", counted), phase.staging() as p:
        (p / "model.safetensors").write_bytes(block * megabytes)
        phase.keep_checkpoint(p)
    with timed("record", counted):
        phase.finish(spec(), train_result(1.0), provenance())
    os.environ["XSTILTS_CACHE"] = str(made / "other")
    other = Store(store.address).phase(spec().id)
    with timed("its checkpoint on another machine, compared", counted):
        other.checkpoint()
    with timed("again", counted):
        Store(store.address).phase(spec().id).checkpoint()
    lease = store.lease("a")
    with timed("a lease taken, renewed and given back", counted):
        lease.take()
        lease.renew()
        lease.release()


def _many_phases(store: Store, phases: int, counted: Counted) -> None:
    """What a plan of 300 phases asks, beside few and beside many finished ones."""
    curve = [CurvePoint(step=n, loss=1.0, lr=1e-5) for n in range(100)]
    made = [spec(seed=seed) for seed in range(1, 301)]
    for one in made[:150]:
        phase = store.phase(one.id)
        phase.begin(one)
        phase.finish(one, train_result(1.0, curve=curve), provenance())
    ids = [one.id for one in made]
    for more in (0, phases):
        _fill(store, more)
        print(f"-- beside {len(store.begun()):,} phases")
        fresh = Store(store.address)
        with timed("are these 300 done?", counted):
            assert len(fresh.done(ids)) == 150
        with timed("their records", counted):
            for one in ids[:150]:
                fresh.phase(one).record()
        with timed("is there anything?", counted):
            assert not fresh.empty
        with timed("a phase that is not done, looked for", counted):
            assert not fresh.phase(ids[-1]).done
    with timed("all records of the store, as `why` reads them", counted):
        fresh = Store(store.address)
        for one in fresh.done():
            fresh.phase(one).payload_and_tasks()


def _fill(store: Store, phases: int) -> None:
    """Phases that nobody asks for, with records of 8 KB."""
    record = text_entry(b'{"made": "up"}' + b" " * 8000)
    assert record is not None
    content = Manifest(files={"record.json": record}).content()
    objects = objects_at(store.address)
    keys = [manifest_key(f"phases/{number:024x}") for number in range(phases)]
    objects.together(lambda key: objects.put(key, content), keys)


def _books(store: Store, counted: Counted) -> None:
    """A ledger of 30,000 lines."""
    folder = store.sweep_folder("large", 1)
    line = {"slot": "x" * 60, "phase": "0" * 24, "params": {"lr": 1e-5}, "lineage": ["y" * 60] * 3}
    with store.driven(folder) as sender:
        assert sender is not None
        book = Chained(folder / "ledger.jsonl", follower=sender.follower("ledger.jsonl"))
        book.read()
        with timed("200 lines, each kept before the next", counted):
            for number in range(200):
                book.append({**line, "n": number})
                book.durable()
        with timed("29,800 lines in packs of 100", counted):
            for _ in range(298):
                book.append(*({**line, "n": n} for n in range(100)))
            book.durable()
    os.environ["XSTILTS_CACHE"] += "-third"
    other = Store(store.address)
    with timed("the ledger on another machine", counted):
        other.refresh(other.sweep_folder("large", 1))
    with timed("again", counted):
        other.refresh(other.sweep_folder("large", 1))


if __name__ == "__main__":
    main()
