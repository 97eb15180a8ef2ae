"""What a run holds on to: one driver for a sweep, one plan for a name and version."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import xstilts
from tests.support import leases
from tests.support.tiny import make_sweep
from xstilts.driver import session
from xstilts.driver.session import OwnLedger, changed_words, driver, lease_of, same_plan
from xstilts.errors import LeaseHeld, LeaseLost
from xstilts.spec.sweep import Sweep
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


class Waited:
    """A clock that goes on by what is slept; at `until`, something happens."""

    def __init__(self, until: float, then: Callable[[], None]) -> None:
        self.now, self._until, self._then = 0.0, until, then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        before, self.now = self.now, self.now + seconds
        if before < self._until <= self.now:
            self._then()


def elsewhere(store: Store, sweep: Sweep) -> Path:
    """The lease of a driver on another machine, whose last sign is of now; its file."""
    (store.path / "leases").mkdir(exist_ok=True)
    file = store.path / "leases" / f"{lease_of(store, sweep).name}.json"
    lease_of(store, sweep).take()
    leases.change(file, token="another", host="head-that-died", process="another")
    return file


def test_job_waits_for_a_driver_that_gave_a_sign_just_before_its_head_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, store, told = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare(), []
    file = elsewhere(store, sweep)
    with pytest.raises(LeaseHeld), driver(store, sweep):  # no job: said at once
        pass
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    clock = Waited(40.0, file.unlink)
    monkeypatch.setattr(session, "time", clock)
    with driver(store, sweep, told.append) as lease:
        assert lease.held() and 40 <= clock.now < 45
    (said,) = told
    assert "head-that-died is at work on it" in said and "as it may have died" in said


def test_job_that_waited_in_vain_says_who_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, store = xstilts.load(make_sweep(tmp_path)), Store(tmp_path / "store").prepare()
    elsewhere(store, sweep)
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    clock = Waited(1e9, lambda: None)
    monkeypatch.setattr(session, "time", clock)
    with pytest.raises(LeaseHeld, match="head-that-died is at work"), driver(store, sweep):
        pass
    assert clock.now == pytest.approx(session.DEAD_HEAD_SECONDS, abs=2)


def test_words_for_what_differs_are_empty_where_nothing_does() -> None:
    assert changed_words({"a": [1, 2]}, {"a": [1, 2]}) == ""
    assert changed_words({"a": [1, 2]}, {"a": [1, 3]}) == "a[1]: 2 -> 3"
