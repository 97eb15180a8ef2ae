"""What a run holds on to: one driver for a sweep, one plan for a name and version."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import xstilts
from tests.support import leases
from tests.support.tiny import make_sweep
from xstilts.driver.session import OwnLedger, driver, lease_of, same_plan
from xstilts.errors import LeaseHeld, LeaseLost
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.sweeps import read_sweep


def test_run_same_name_and_version_with_another_plan_shows_the_difference(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    same_plan(folder, xstilts.load(make_sweep(tmp_path)))
    same_plan(
        folder,
        xstilts.load(make_sweep(tmp_path, resources={"slots": 1}, description="other words")),
    )
    changed = xstilts.load(make_sweep(tmp_path, seeds=[1, 5]))
    with pytest.raises(xstilts.SweepError, match=r"seeds\[1\]: 2 -> 5; raise `version`"):
        same_plan(folder, changed)


def test_run_damaged_copy_of_the_sweep_is_written_again(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text('{"name": "ti')
    (told,) = same_plan(tmp_path / "sweep", sweep)
    assert "damaged" in told and "this run did so from the sweep file" in told
    assert read_sweep(tmp_path / "sweep") == sweep
    assert same_plan(tmp_path / "sweep", sweep) == []


def test_run_flipped_seed_in_the_copy_of_the_sweep_is_damage_and_no_other_plan(
    tmp_path: Path,
) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    same_plan(tmp_path / "sweep", sweep)
    file = tmp_path / "sweep/sweep.json"
    rng = random.Random(0)
    whole = file.read_bytes()
    for _ in range(100):
        place = rng.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << rng.randrange(8)])
        file.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        told = same_plan(tmp_path / "sweep", sweep)
        assert told or not flipped.strip(), flipped
        assert read_sweep(tmp_path / "sweep") == sweep


def test_driver_of_a_sweep_is_one_at_a_time_and_gives_its_lease_back(tmp_path: Path) -> None:
    sweep, store = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare()
    with driver(store, sweep):
        with pytest.raises(LeaseHeld, match="is at work on it"), driver(store, sweep):
            pass
        with driver(store, sweep.model_copy(update={"version": 2})):
            pass
    lease_of(store, sweep).look()


def test_same_plan_shows_six_changes_and_counts_the_others(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    same_plan(tmp_path / "sweep", sweep)
    target = sweep.target.model_copy(
        update={
            "lr": None,
            "steps": 1,
            "batch_size": 1,
            "max_length_tokens": 8,
            "weight_decay": 0.5,
            "max_grad_norm": 2.0,
            "patience_evals": 3,
        }
    )
    with pytest.raises(xstilts.SweepError, match=r"and \d+ more; raise `version`"):
        same_plan(tmp_path / "sweep", sweep.model_copy(update={"target": target}))


def test_run_words_about_a_task_are_no_part_of_the_plan(tmp_path: Path) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    same_plan(tmp_path / "sweep", sweep)
    words = {"obtain": "ask the authors", "licence": "MIT"}
    tasks = tuple(task.model_copy(update=words) for task in sweep.tasks)
    same_plan(tmp_path / "sweep", sweep.model_copy(update={"tasks": tasks}))


def test_driver_that_lost_its_lease_can_write_no_line_into_the_ledger(tmp_path: Path) -> None:
    sweep, store = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare()
    folder = store.sweep_folder(sweep.name, sweep.version)
    file = store.path / "leases" / f"{lease_of(store, sweep).name}.json"
    with driver(store, sweep) as lease:
        ledger = OwnLedger(folder, lease)
        entry = ledger.write(Entry(slot="a", model="m", kind="target", task="t", seed=1))
        ledger.choose("study", "a")
        before = ledger.path.read_bytes()
        leases.change(file, token="another")
        assert not lease.renew()
        with pytest.raises(LeaseLost):
            ledger.write(entry, error="too late")
        with pytest.raises(LeaseLost):
            ledger.choose("study", "b")
        assert ledger.path.read_bytes() == before
        whose = file.read_bytes()
    assert file.read_bytes() == whose
    assert ledger.chosen() == {"study": "a"} and ledger.get("a") == entry


def test_driver_watches_a_damaged_lease_and_says_so(tmp_path: Path) -> None:
    sweep, store, told = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare(), []
    (store.path / "leases").mkdir()
    file = store.path / "leases" / f"{lease_of(store, sweep).name}.json"
    file.write_bytes(b"torn")

    class Seen(Exception):
        """The sentence was said."""

    def tell(message: str) -> None:
        told.append(message)
        raise Seen

    with pytest.raises(Seen), driver(store, sweep, tell):
        pass
    said = (
        f"sweep-tiny-v1: its lease, {file}, is damaged; a run watches it for 60 s and takes it over"
    )
    assert told == [f"{said} if nobody renews it"]
