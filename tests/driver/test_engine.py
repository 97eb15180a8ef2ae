"""The engine on a small real Ray cluster: whole sweeps, kills, stops, several workers, several
drivers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import xstilts
from tests.support.default_signals import default_signals
from tests.support.tiny import make_sweep
from xstilts.store.phases import Store

pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps here name mirrors of their own."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)


DRIVER = """
import json, sys, xstilts
ran = xstilts.run(sys.argv[1], warn=lambda message: print(message, file=sys.stderr))
print(json.dumps(ran.to_json()))
sys.exit(ran.exit_code)
"""
LONG = {
    "lr": 0.001,
    "steps": 1500,
    "batch_size": 8,
    "max_length_tokens": 16,
    "eval_every_steps": 250,
}


def launch(file: Path, code: str = DRIVER, **environment: str) -> subprocess.Popen[str]:
    """A driver in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=default_signals,
    )


def finish(driver: subprocess.Popen[str], timeout: float = 240) -> dict[str, Any]:
    """Waits for a driver; its outcome."""
    out, err = driver.communicate(timeout=timeout)
    assert out.strip(), err[-3000:]
    return dict(json.loads(out.strip().splitlines()[-1]))


def wait_for(condition: Callable[[], Any], seconds: float = 120) -> Any:
    """Polls until `condition` gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def partials(store: Path) -> list[Path]:
    """Partial checkpoints in a store."""
    return [p for p in store.glob("phases/*/partial") if any(p.iterdir())]


def results(file: Path) -> dict[str, Any]:
    """Slot to what its phase's record says, times left out."""
    folder = file.parent / "store" / "sweeps" / f"{file.stem}-v1"
    store = Store(file.parent / "store")
    values = {}
    for entry in xstilts.status(folder).entries:
        result = store.phase(entry.phase).record().result
        values[entry.slot] = {
            k: v
            for k, v in result.to_json().items()
            if k in ("dev", "scores", "mean", "loss", "steps")
        }
    return values


def trial_processes(
    driver: subprocess.Popen[str], word: str = "Trainable"
) -> Iterator[psutil.Process]:
    """Processes below a driver whose title holds `word`."""
    for process in psutil.Process(driver.pid).children(recursive=True):
        try:
            if word in " ".join(process.cmdline()):
                yield process
        except psutil.Error:
            continue


def folder_of(driver: subprocess.Popen[str]) -> Path:
    """The temporary folder of a driver's cluster."""
    for owner in Path(tempfile.gettempdir()).glob("xstilts-ray-*/owner.json"):
        with suppress(OSError, ValueError):
            if json.loads(owner.read_text())["pid"] == driver.pid:
                return owner.parent
    raise AssertionError("the driver has no folder")


def test_engine_whole_sweep_trains_each_phase_once_and_again_runs_nothing(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    first = finish(launch(file))
    assert first["failures"] == []
    assert first["started"] == xstilts.plan(file).to_json()["phases"]
    planned = xstilts.plan(file).to_json()
    assert planned["cached"] == planned["phases"]
    again = finish(launch(file))
    assert again["started"] == 0
    table = xstilts.scores(file)
    assert set(table["language"]) == {"en", "sw"}
    assert set(table["intermediate"]) == {"none", "first"}
    assert table["value"].between(0, 100).all()


def test_engine_trial_process_killed_loses_only_steps_and_changes_no_number(tmp_path: Path) -> None:
    changes = {
        "intermediate": LONG,
        "intermediates": ["first"],
        "seeds": [1],
        "resources": {"slots": 1, "partial_every_seconds": 0.2},
    }
    whole = make_sweep(tmp_path / "whole", **changes)
    killed = make_sweep(tmp_path / "killed", **changes)
    expected = finish(launch(whole))
    driver = launch(killed)
    wait_for(lambda: partials(tmp_path / "killed/store"))
    for process in trial_processes(driver):
        process.kill()
    outcome = finish(driver)
    assert outcome["failures"] == expected["failures"] == []
    assert outcome["started"] == expected["started"] + 1
    assert {k.split("/", 1)[1]: v for k, v in results(killed).items()} == {
        k.split("/", 1)[1]: v for k, v in results(whole).items()
    }


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_engine_driver_ended_in_the_middle_carries_on_with_the_same_command(
    tmp_path: Path, how: signal.Signals
) -> None:
    file = make_sweep(
        tmp_path, intermediate=LONG, resources={"slots": 2, "partial_every_seconds": 0.2}
    )
    driver = launch(file)
    wait_for(lambda: partials(tmp_path / "store"))
    trials, folder = list(trial_processes(driver)), folder_of(driver)
    os.kill(driver.pid, how)
    driver.communicate(timeout=60)
    assert driver.returncode == (-9 if how == signal.SIGKILL else 128 + how)
    assert folder.exists() == (how == signal.SIGKILL)
    # A trial may outlive its killed driver for a moment and finish the phase that it is at.
    wait_for(lambda: not psutil.wait_procs(trials, timeout=0)[1])
    done = Store(tmp_path / "store").done()
    outcome = finish(launch(file))
    assert outcome["failures"] == []
    assert outcome["started"] == xstilts.plan(file).to_json()["phases"] - len(done)
    assert not folder.exists()


def test_engine_failing_phase_is_reported_and_blocks_only_its_descendants(tmp_path: Path) -> None:
    broken = {
        "lr": 1e30,
        "steps": 12,
        "batch_size": 8,
        "max_length_tokens": 16,
        "schedule": "constant",
    }
    file = make_sweep(tmp_path, intermediate=broken, resources={"slots": 2, "retries": 1})
    outcome = finish(launch(file))
    assert outcome["exit_code"] == 1
    states = {f["slot"]: f["state"] for f in outcome["failures"]}
    assert states["tiny/first/t0"] == "failed"
    assert "the training loss is" in next(f["error"] for f in outcome["failures"])
    assert states["tiny/first>topic/t0"] == "blocked"
    assert all("/first" in slot for slot in states)
    assert "tiny/none>topic/eval/s2" in {
        e.slot for e in xstilts.status(file).entries if e.state in ("done", "cached")
    }


def test_engine_bad_trials_are_stopped_and_the_process_goes_on(tmp_path: Path) -> None:
    file = make_sweep(
        tmp_path,
        intermediates=["none"],
        seeds=[1],
        resources={"slots": 1},
        target={
            "lr": {"choice": [0.003, 0.002, 1e-9]},
            "steps": 40,
            "batch_size": 8,
            "max_length_tokens": 16,
            "eval_every_steps": 4,
        },
        search={"trials": 3, "sampler": "grid", "stopping": "median", "stopping_warmup_evals": 0},
    )
    outcome = finish(launch(file))
    states = {e.slot: e.state for e in xstilts.status(file).entries}
    assert states["tiny/none>topic/t2"] == "pruned"
    assert outcome["failures"] == []
    assert states["tiny/none>topic/eval/s1"] == "done"


def test_engine_checkpoint_is_dropped_when_the_last_that_starts_from_it_has_ended(
    tmp_path: Path,
) -> None:
    file = make_sweep(
        tmp_path,
        intermediates=["first", "none"],
        seeds=[1],
        target={"lr": 0.001, "steps": 12, "batch_size": 8, "max_length_tokens": 16},
        search={},
        resources={"slots": 1},
        retention={"weights": "none"},
    )
    at_once = "import xstilts.driver.keeping as keeping; keeping.SECONDS = 0.0\n"
    ran = finish(launch(file, code=at_once + DRIVER))
    assert ran["failures"] == []
    assert ran["started"] == xstilts.plan(file).to_json()["phases"] == 5  # none of them twice
    phases = {
        entry.slot.removeprefix("tiny/"): entry.phase for entry in xstilts.status(file).entries
    }
    home = tmp_path / "store/phases"
    dropped = {one.parent.name: one.stat().st_mtime for one in home.glob("*/dropped.json")}
    ended = {one.parent.name: one.stat().st_mtime for one in home.glob("*/record.json")}
    trained = {phase for slot, phase in phases.items() if "/eval/" not in slot}
    assert not list(home.glob("*/model")) and {*dropped} == trained
    first, last = phases["first/t0"], phases["none>topic/eval/s1"]
    child = phases["first>topic/t0"]
    assert ended[first] < ended[child] < dropped[first] < ended[last]  # in the run, not at its end
    assert ended[child] < ended[phases["first>topic/eval/s1"]] < dropped[child]
    store = Store(tmp_path / "store")
    assert {store.phase(phase).fault(whole=True) for phase in phases.values()} == {""}
    assert len(list(home.glob("*/predictions/*.parquet"))) == 4  # two evaluations, two languages
    assert xstilts.run(file).started == 0


def test_engine_second_driver_on_the_same_sweep_is_refused(tmp_path: Path) -> None:
    file = make_sweep(
        tmp_path, intermediate=LONG, resources={"slots": 1, "partial_every_seconds": 0.2}
    )
    driver = launch(file)
    wait_for(lambda: partials(tmp_path / "store"))
    with pytest.raises(xstilts.XstiltsError, match="is at work on it"):
        xstilts.run(file)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)


def test_engine_two_sweeps_on_one_store_train_shared_phases_once(tmp_path: Path) -> None:
    one = make_sweep(
        tmp_path, name="one", intermediate={**LONG, "steps": 600}, resources={"slots": 1}
    )
    two = make_sweep(
        tmp_path, name="two", intermediate={**LONG, "steps": 600}, resources={"slots": 1}
    )
    drivers = [launch(one), launch(two)]
    outcomes = [finish(driver) for driver in drivers]
    assert all(outcome["failures"] == [] for outcome in outcomes)
    distinct = len(Store(tmp_path / "store").done())
    assert sum(outcome["started"] for outcome in outcomes) == distinct


def test_engine_another_cluster_on_the_machine_does_no_harm(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import ray, sys; ray.init(num_cpus=1, include_dashboard=False); print('up', "
                "flush=True); sys.stdin.read()"
            ),
        ],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "RAY_AUTH_MODE": "disabled"},
    )
    assert other.stdout is not None
    other.stdout.readline()
    try:
        outcome = finish(
            launch(
                make_sweep(
                    tmp_path,
                    intermediates=["none"],
                    seeds=[1],
                    search={"trials": 1},
                    resources={"workers": 2, "slots": 1},
                )
            )
        )
        assert outcome["failures"] == []
    finally:
        other.communicate("")


def test_engine_two_workers_give_the_numbers_of_one(tmp_path: Path) -> None:
    changes = {"seeds": [1], "intermediates": ["first"], "search": {"trials": 1}}
    one = make_sweep(tmp_path / "one", dropout=0.0, **changes)
    two = make_sweep(tmp_path / "two", dropout=0.0, **changes, resources={"workers": 2, "slots": 1})
    assert finish(launch(one))["failures"] == finish(launch(two))["failures"] == []
    first, second = results(one), results(two)
    assert first.keys() == second.keys()
    for slot, result in first.items():
        if "loss" in result:
            assert second[slot]["loss"] == pytest.approx(result["loss"], abs=1e-4)


def test_engine_train_worker_killed_resumes(tmp_path: Path) -> None:
    file = make_sweep(
        tmp_path,
        intermediates=["first"],
        seeds=[1],
        intermediate=LONG,
        search={"trials": 1},
        resources={"workers": 2, "slots": 1, "partial_every_seconds": 0.5},
    )
    driver = launch(file)
    wait_for(lambda: partials(tmp_path / "store"))
    victims = list(trial_processes(driver, "RayTrainWorker"))
    assert victims
    victims[-1].kill()
    assert finish(driver)["failures"] == []


def test_engine_tracking_server_down_stops_nothing(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, intermediates=["none"], seeds=[1], tracking="http://127.0.0.1:9")
    driver = launch(file)
    outcome = finish(driver)
    assert outcome["failures"] == []
    assert any("xstilts track" in warning for warning in outcome["warnings"])


def test_engine_budget_spent_ends_early_and_the_next_run_carries_on(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, budget={"phases": 7})
    first = finish(launch(file))
    assert (first["started"], first["stopped"]) == (7, "budget")
    total = 7
    while True:
        outcome = finish(launch(file))
        total += outcome["started"]
        if not outcome["stopped"]:
            break
    assert total == xstilts.plan(file).to_json()["phases"]


def test_engine_adapters_pickle_to_nothing_of_the_run() -> None:
    import copy
    import pickle
    import threading

    from xstilts.driver.drive import Drive

    lock: Any = threading.RLock()  # what a live display holds; it can't be pickled
    drive = Drive(lock, lock, {}, lock, lock, lock, lock, lock)
    assert copy.deepcopy(drive) is drive
    assert len(pickle.dumps(drive)) < 100


def test_engine_stopped_group_of_workers_frees_what_it_held(tmp_path: Path) -> None:
    file = make_sweep(
        tmp_path,
        intermediates=["none"],
        seeds=[1],
        resources={"slots": 1, "workers": 2},
        target={
            "lr": {"choice": [0.003, 0.002, 1e-9]},
            "steps": 40,
            "batch_size": 8,
            "max_length_tokens": 16,
            "eval_every_steps": 4,
        },
        search={"trials": 3, "sampler": "grid", "stopping": "median", "stopping_warmup_evals": 0},
    )
    outcome = finish(
        launch(file)
    )  # its two CPUs serve the phases after the stopped one: a leak would hang here
    states = {e.slot: e.state for e in xstilts.status(file).entries}
    assert states["tiny/none>topic/t2"] == "pruned"
    assert states["tiny/none>topic/eval/s1"] == "done"
    assert outcome["failures"] == []


def test_engine_stopped_phase_that_another_process_takes_up_does_not_hang(tmp_path: Path) -> None:
    bad = {"lr": {"choice": [0.003, 1e-9]}, "steps": 40, "batch_size": 8, "max_length_tokens": 16}
    file = make_sweep(
        tmp_path,
        intermediates=["none"],
        seeds=[1],
        target={**bad, "eval_every_steps": 4},
        search={
            "trials": 10,
            "sampler": "random",
            "stopping": "median",
            "stopping_warmup_evals": 0,
        },
        resources={"slots": 2},
    )
    outcome = finish(launch(file))
    assert outcome["failures"] == []
    assert outcome["stopped"] == ""


def test_engine_budget_that_is_just_enough_is_no_early_stop(tmp_path: Path) -> None:
    file = make_sweep(
        tmp_path, intermediates=["none"], seeds=[1], search={"trials": 1}, budget={"phases": 2}
    )
    outcome = finish(launch(file))
    assert (outcome["started"], outcome["stopped"], outcome["exit_code"]) == (2, "", 0)


def own_process(driver: subprocess.Popen[str], word: str) -> psutil.Process:
    """A process that the driver itself started, by a word of its command."""
    for process in psutil.Process(driver.pid).children():
        if word in " ".join(process.cmdline()[:1]):
            return process
    raise AssertionError(f"the driver has no {word}")


def test_engine_cluster_that_dies_is_told_in_one_line_and_the_same_command_carries_on(
    tmp_path: Path,
) -> None:
    file = make_sweep(
        tmp_path,
        intermediates=["first"],
        seeds=[1],
        search={"trials": 1},
        intermediate={**LONG, "steps": 3000},
        resources={"slots": 1, "partial_every_seconds": 0.2},
    )
    for word in ("gcs_server", "raylet"):
        before = set((tmp_path / "store").glob("phases/*/partial/0*"))
        driver = launch(file)
        wait_for(lambda seen=before: set((tmp_path / "store").glob("phases/*/partial/0*")) - seen)
        folder, killed = folder_of(driver), own_process(driver, word)
        killed.kill()
        began = time.monotonic()
        out, err = driver.communicate(timeout=60)
        assert time.monotonic() - began < 40, "Ray ends the driver itself after a minute"
        assert driver.returncode == 1
        (line,) = (one for one in err.splitlines() if one.startswith("xstilts.errors.EngineError"))
        assert f"its {word} (process {killed.pid}) ended" in line
        assert "the same command carries on" in line
        assert "Raylet is terminated" not in out + err
        assert not folder.exists()
    assert finish(launch(file))["failures"] == []
