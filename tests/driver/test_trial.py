"""What runs in a trial's process: the phase of its config, as the only worker on it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import leases, toy
from xstilts.driver.trial import Handoff, PhaseTrial, _guarded, _run_here, execute
from xstilts.errors import LeaseHeld
from xstilts.spec.phase import PhaseSpec
from xstilts.store.phases import Store
from xstilts.workers.context import Answer


@pytest.fixture
def spec(tmp_path: Path) -> PhaseSpec:
    toy.base_model(tmp_path / "base")
    toy.write_rows(tmp_path / "rows")
    return toy.training(str(tmp_path / "base"), [toy.task("class", tmp_path / "rows")], steps=2)


def config(store: Path, spec: PhaseSpec) -> dict[str, Any]:
    return {
        "phase": spec.id,
        "spec": spec.model_dump(mode="json"),
        "context": toy.context(store).model_dump(),
    }


def test_execute_writes_down_the_spec_of_its_config_and_finishes_the_phase(
    tmp_path: Path, spec: PhaseSpec
) -> None:
    phase = Store(tmp_path / "store").phase(spec.id)
    assert execute(config(tmp_path / "store", spec), toy.silent) == "done"
    assert phase.spec() == phase.record().spec == spec


def test_execute_holds_the_workers_lease_while_it_runs(tmp_path: Path, spec: PhaseSpec) -> None:
    lease = Store(tmp_path / "store").lease(f"worker-{spec.id}")

    def report(report: Any) -> bool:
        with pytest.raises(LeaseHeld):
            lease.take()
        return True

    execute(config(tmp_path / "store", spec), report)
    lease.take()


def test_execute_waits_for_the_worker_of_a_dead_driver(
    tmp_path: Path, spec: PhaseSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, waited = Store(tmp_path / "store").lease(f"worker-{spec.id}"), []
    before.take()

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        before.release()

    monkeypatch.setattr("xstilts.store.lease.time.sleep", sleep)
    assert execute(config(tmp_path / "store", spec), toy.silent) == "done"
    assert len(waited) == 1


def test_execute_in_a_new_process_says_that_it_loads_libraries(
    tmp_path: Path, spec: PhaseSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def report(report: Any) -> bool:
        said.append(report.doing)
        return True

    execute(config(tmp_path / "store", spec), report)
    assert "loading libraries" not in said and "loading the model" in said
    said.clear()
    monkeypatch.setattr("xstilts.driver.trial.sys.modules", {})
    execute(config(tmp_path / "store", spec), report)  # it has its record: nothing else is done
    assert said == ["loading libraries"]


@pytest.mark.parametrize("at", ["first", "last"])
def test_worker_that_loses_its_lease_keeps_nothing_more(
    tmp_path: Path, spec: PhaseSpec, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setattr(Store.lease, "__defaults__", (0.3,))
    store, kept = Store(tmp_path / "store"), []

    def report(one: Any) -> bool:
        if not kept and one.step == (0 if at == "first" else spec.hyper.steps):
            file = store.path / f"leases/worker-{spec.id}.json"
            leases.change(file, token="another")
            time.sleep(0.4)
            kept.append(files_of(store, spec))
        return True

    given = {**config(tmp_path / "store", spec), "group": None}
    given["context"]["partial_every_seconds"] = 0
    handoff = Handoff(waits=False)
    _guarded(lambda config, handoff: execute(config, report), given, handoff)
    assert handoff.take()["status"] == "taken"
    assert kept == [files_of(store, spec)]
    assert not store.phase(spec.id).done


def files_of(store: Store, spec: PhaseSpec) -> list[str]:
    """The files of the phase, but for what lies in scratch folders."""
    folder = store.path / "phases" / spec.id
    files = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(file for file in files if "/." not in file)


# -- what the trial and its phase say to each other


def row(step: int, value: float | None = None) -> dict[str, Any]:
    return {"status": "running", "step": step, "steps": 9, "value": value}


def test_process_that_is_dropped_before_its_first_step_runs_nothing(
    tmp_path: Path, spec: PhaseSpec
) -> None:
    here = threading.active_count()
    trial = PhaseTrial({**config(tmp_path / "store", spec), "waits": False, "group": None})
    assert threading.active_count() == here
    trial.stop()
    assert not (tmp_path / "store").exists()


def test_handoff_without_a_new_row_gives_the_last_one_again_without_its_value() -> None:
    handoff = Handoff(waits=False)
    assert handoff.take(0.01)["step"] == 0
    handoff.report(row(4, 80.0))
    assert handoff.take(0.01)["value"] == 80.0
    again = handoff.take(0.01)
    assert (again["step"], again["value"], again["asked"]) == (4, None, False)


def test_handoff_told_to_leave_says_so_at_the_next_report_and_from_then_on() -> None:
    handoff = Handoff(waits=False)
    assert handoff.report(row(1)) == Answer.GO_ON
    handoff.leave()
    assert [handoff.report(row(2)), handoff.report(row(3, 5.0))] == [Answer.LEAVE] * 2


def test_handoff_told_to_leave_frees_a_phase_that_waits_for_an_answer() -> None:
    handoff, answers = Handoff(waits=True), list[int]()
    thread = threading.Thread(target=lambda: answers.append(handoff.report(row(4, 80.0))))
    thread.start()
    assert handoff.take(10)["asked"]
    handoff.leave()
    thread.join(timeout=10)
    assert answers == [Answer.LEAVE]
    handoff.take(0.01)
    assert handoff.report(row(5, 80.0)) == Answer.LEAVE


def test_handoff_of_a_phase_that_was_stopped_does_not_leave() -> None:
    handoff = Handoff(waits=False)
    handoff.stop()
    handoff.leave()
    assert handoff.report(row(1)) == Answer.STOP


def test_phase_told_to_leave_before_its_first_step_leaves_at_once(
    tmp_path: Path, spec: PhaseSpec
) -> None:
    handoff = Handoff(waits=False)
    handoff.leave()
    with Store(tmp_path / "store").prepare().lease(spec.id).kept():  # a driver's
        pass
    given = {**config(tmp_path / "store", spec), "group": None}
    _guarded(_run_here, given, handoff)
    assert handoff.take(1)["status"] == "left"
    phase = Store(tmp_path / "store").phase(spec.id)
    assert not phase.done and phase.partials() == []
    assert not Store(tmp_path / "store").lease(f"worker-{spec.id}").held()


def test_phase_that_hangs_says_where(tmp_path: Path, spec: PhaseSpec) -> None:
    given, freed, said = config(tmp_path / "store", spec), threading.Event(), list[str]()
    given["context"]["deadline_seconds"] = 0.5

    def hung(where: str) -> None:
        said.append(where)
        freed.set()

    def report(one: Any) -> bool:
        if one.step == spec.hyper.steps:
            assert freed.wait(timeout=60)
        return True

    assert execute(given, report, hung) == "done"
    assert said[0].startswith("no progress for 0.0 min at step 2")
    assert "freed.wait(timeout=60)" in said[0]
