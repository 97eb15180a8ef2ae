"""Optuna studies: what is told, what is suggested, what is not repeated."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from xstilts.driver.search import KnownTrial, Studies, distribution
from xstilts.planning import Study
from xstilts.spec.hyperparameters import Choice, IntRange, LogRange
from xstilts.spec.sweep import Search
from xstilts.store.ledger import Entry

SPACE = {
    "lr": LogRange(log=(1e-5, 1e-3)),
    "steps": IntRange(int=(10, 100)),
    "schedule": Choice(choice=("linear", "wsd")),
}


def study(key: str = "m/a>b", trials: int = 8, **fields: object) -> Study:
    values = {
        "key": key,
        "model": "m",
        "intermediate": "a",
        "target": "b",
        "space": SPACE,
        "trials": trials,
    }
    return Study(**{**values, **fields})  # type: ignore[arg-type]


def studies(folder: Path, *plans: Study, **search: object) -> Studies:
    plans = plans or (study(),)
    # type: ignore[arg-type]
    return Studies(folder, Search(**search), {plan.key: plan for plan in plans}, "s")


def entry(
    trial: int, state: str = "done", value: float | None = 50.0, **fields: object
) -> KnownTrial:
    values = {
        "slot": f"m/a>b/t{trial}",
        "kind": "target",
        "model": "m",
        "task": "b",
        "study": "m/a>b",
        "trial": trial,
        "seed": 1,
        "state": state,
    }
    return KnownTrial(Entry.model_validate({**values, **fields}), value)


def told(folder: Path, key: str = "m/a>b") -> list[optuna.trial.FrozenTrial]:
    return studies(folder)._open(key).get_trials() if key == "m/a>b" else []


def test_ask_stays_within_the_space(tmp_path: Path) -> None:
    asked = [studies(tmp_path).ask("m/a>b", trial, f"m/a>b/t{trial}") for trial in range(8)]
    assert all(1e-5 <= params["lr"] <= 1e-3 for params in asked)
    assert all(10 <= params["steps"] <= 100 for params in asked)
    assert {params["schedule"] for params in asked} <= {"linear", "wsd"}
    assert len({params["lr"] for params in asked}) == 8


def test_ask_of_the_same_history_gives_the_same_suggestion(tmp_path: Path) -> None:
    one, other = studies(tmp_path / "one"), studies(tmp_path / "other")
    for trial in range(5):
        slot = f"m/a>b/t{trial}"
        first, second = one.ask("m/a>b", trial, slot), other.ask("m/a>b", trial, slot)
        assert first == second
        for asked in (one, other):
            asked.tell("m/a>b", entry(trial, value=float(trial)))


def test_ask_of_a_grid_gives_each_point_of_the_plan(tmp_path: Path) -> None:
    grid = ({"lr": 1e-4, "steps": 10}, {"lr": 1e-4, "steps": 20}, {"lr": 1e-3, "steps": 10})
    space = {"lr": Choice(choice=(1e-4, 1e-3)), "steps": Choice(choice=(10, 20))}
    searched = studies(tmp_path, study(grid=grid, trials=3, space=space), sampler="grid")
    assert [searched.ask("m/a>b", trial, f"t{trial}") for trial in range(3)] == list(grid)


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_tell_value_that_is_no_number_is_a_failure_not_an_error(
    tmp_path: Path, value: float | None
) -> None:
    searched = studies(tmp_path)
    searched.ask("m/a>b", 0, "m/a>b/t0")
    searched.tell("m/a>b", entry(0, value=value))
    assert told(tmp_path)[0].state == TrialState.FAIL


def test_tell_twice_is_told_once(tmp_path: Path) -> None:
    searched = studies(tmp_path)
    searched.ask("m/a>b", 0, "m/a>b/t0")
    searched.tell("m/a>b", entry(0, value=40.0))
    searched.tell("m/a>b", entry(0, value=99.0))
    assert [t.value for t in told(tmp_path)] == [40.0]


def test_report_stops_a_trial_below_the_median_of_its_own_study_alone(tmp_path: Path) -> None:
    other = study(key="m/none>b")
    searched = studies(tmp_path, study(), other, stopping="median", stopping_warmup_evals=0)
    for trial in range(3):
        slot = f"m/a>b/t{trial}"
        searched.ask("m/a>b", trial, slot)
        assert searched.report("m/a>b", slot, 1, 60.0 + trial)
        searched.tell("m/a>b", entry(trial, value=60.0 + trial))
    searched.ask("m/none>b", 0, "m/none>b/t0")
    assert searched.report("m/none>b", "m/none>b/t0", 1, 5.0)
    searched.ask("m/a>b", 3, "m/a>b/t3")
    assert not searched.report("m/a>b", "m/a>b/t3", 1, 5.0)


def test_all_of_many_stopped_trials_are_told_as_pruned_never_as_complete(tmp_path: Path) -> None:
    searched = studies(tmp_path, study(trials=16), stopping="halving", stopping_warmup_evals=1)
    pruned = 0
    for trial in range(16):
        slot = f"m/a>b/t{trial}"
        searched.ask("m/a>b", trial, slot)
        going = all(
            searched.report("m/a>b", slot, step, 100.0 - 5 * trial + step) for step in (1, 2, 3)
        )
        pruned += not going
        searched.tell(
            "m/a>b",
            entry(trial, "done" if going else "pruned", 100.0 - 5 * trial if going else None),
        )
    states = [t.state for t in told(tmp_path)]
    assert pruned > 0
    assert states.count(TrialState.PRUNED) == pruned
    assert states.count(TrialState.COMPLETE) == 16 - pruned
    assert all(t.intermediate_values for t in told(tmp_path))


def test_reconcile_mends_what_a_crash_left(tmp_path: Path) -> None:
    searched = studies(tmp_path)
    params = [searched.ask("m/a>b", trial, f"m/a>b/t{trial}") for trial in range(4)]
    entries = [
        entry(0, "done", 70.0, params=params[0]),  # ended, and the driver died before it told
        entry(1, "pruned", None, params=params[1]),
        entry(2, "waiting", None, params=params[2]),  # still to be run
    ]  # the fourth was asked for and never written down
    again = studies(tmp_path)
    again.reconcile(entries)
    states = [t.state for t in told(tmp_path)]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.FAIL]
    again.tell("m/a>b", entry(2, value=30.0))
    assert told(tmp_path)[2].value == 30.0


def test_distribution_of_each_space() -> None:
    assert distribution(LogRange(log=(1e-5, 1e-3))).log  # type: ignore[attr-defined]
    assert distribution(IntRange(int=(1, 5))).high == 5  # type: ignore[attr-defined]
    assert distribution(Choice(choice=(1, 2))).choices == (1, 2)  # type: ignore[attr-defined]


def test_ask_gives_pairs_of_one_target_the_same_first_points_and_other_targets_others(
    tmp_path: Path,
) -> None:
    pairs = [study(key=f"m/{name}>b", intermediate=name) for name in ("none", "a", "c")]
    searched = studies(tmp_path, *pairs, study(key="m/a>d", target="d"))
    for trial in range(4):
        asked = [searched.ask(plan.key, trial, f"{plan.key}/t{trial}") for plan in pairs]
        assert asked[0] == asked[1] == asked[2]
        assert searched.ask("m/a>d", trial, f"m/a>d/t{trial}") != asked[0]
        for plan, value in zip(pairs, (10.0, 50.0, 90.0), strict=True):
            searched.tell(
                plan.key,
                entry(trial, value=value + trial, slot=f"{plan.key}/t{trial}", study=plan.key),
            )


def test_reconcile_adds_what_optuna_lost_in_the_order_of_the_ledger(tmp_path: Path) -> None:
    searched = studies(tmp_path / "one", stopping="halving", stopping_warmup_evals=1)
    told_of = []
    for trial in range(6):
        slot = f"m/a>b/t{trial}"
        params = searched.ask("m/a>b", trial, slot)
        values = {step: 50.0 - trial + step for step in (1, 2)}
        going = [searched.report("m/a>b", slot, *one) for one in values.items()]
        reported = searched.reported(slot)
        state = "running" if trial == 5 else "done" if all(going) else "pruned"
        one = entry(
            trial,
            state,
            60.0 - trial if state == "done" else None,
            params=params,
            reported=reported,
        )
        told_of.append(one)
        if state != "running":
            searched.tell("m/a>b", one)
    again = studies(tmp_path / "other", stopping="halving", stopping_warmup_evals=1)
    again.reconcile(told_of)
    kept = ("params", "state", "value", "intermediate_values", "user_attrs")
    for before, after in zip(
        searched._open("m/a>b").get_trials(), again._open("m/a>b").get_trials(), strict=True
    ):
        assert [getattr(before, name) for name in kept] == [getattr(after, name) for name in kept]
        rungs = {k: v for k, v in before.system_attrs.items() if k.startswith("completed_rung")}
        assert after.system_attrs == rungs
    assert {one.entry.state for one in told_of} == {"running", "done", "pruned"}
    last = "m/a>b/t5"  # it is open in both, and judged alike
    for step, value in ((3, 1.0), (4, 1.0), (8, 99.0)):
        before, after = (one.report("m/a>b", last, step, value) for one in (searched, again))
        assert before == after
    assert searched.ask("m/a>b", 6, "m/a>b/t6") == again.ask("m/a>b", 6, "m/a>b/t6")


def test_suggested_and_pruned_are_what_an_earlier_run_left(tmp_path: Path) -> None:
    searched = studies(tmp_path)
    params = [searched.ask("m/a>b", trial, f"m/a>b/t{trial}") for trial in range(2)]
    searched.report("m/a>b", "m/a>b/t1", 1, 20.0)
    searched.tell("m/a>b", entry(1, "pruned", None, params=params[1]))
    assert searched.suggested("m/a>b/t0") == {}, "the ledger knows what this run has asked for"
    again = studies(tmp_path)
    assert [again.suggested(f"m/a>b/t{trial}") for trial in range(3)] == [*params, {}]
    assert again.pruned("m/a>b/t0") is None
    assert again.pruned("m/a>b/t1") == ((1, 20.0),)


def test_reconcile_study_of_another_space_is_made_again(tmp_path: Path) -> None:
    """The copy of the sweep was damaged, so that nobody noticed that its plan was changed."""
    searched = studies(tmp_path)
    for trial in range(2):
        params = searched.ask("m/a>b", trial, f"m/a>b/t{trial}")
        searched.tell("m/a>b", entry(trial, value=50.0, params=params))
    space = {**SPACE, "schedule": Choice(choice=("linear", "cosine"))}
    again = studies(tmp_path, study(space=space))
    known = {"lr": 1e-4, "steps": 20, "schedule": "cosine"}
    again.reconcile([entry(0, value=60.0, params=params), entry(1, value=70.0, params=known)])
    assert "did not agree with the ledger" in again.told[0]
    assert {t.params["schedule"] for t in again._open("m/a>b").trials} <= {"linear", "cosine"}
    assert again.ask("m/a>b", 2, "m/a>b/t2")["schedule"] in ("linear", "cosine")
