"""The board: what to run next, from the plan, the ledger, the store and the studies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.support import builders, leases
from tests.support.sweeps import paper_grid, small
from xstilts.driver.board import Assignment, Board
from xstilts.driver.search import Studies
from xstilts.planning import Plan, make_plan
from xstilts.planning.counts import summary
from xstilts.planning.filling import Revisions
from xstilts.spec.digests import canonical_json
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.sweep import Chain, Resources, Search, Sweep
from xstilts.spec.transforms import Transform, Translate
from xstilts.store.lease import Lease
from xstilts.store.ledger import Ledger, State
from xstilts.store.phases import Store
from xstilts.store.results import Result

FIXED = {"intermediate": Settings(lr=1e-4), "target": Settings(lr=1e-4)}
"""Nothing is searched."""


def board_of(sweep: Sweep, path: Path) -> tuple[Board, Store, Plan]:
    plan, store = make_plan(sweep), Store(path / "store").prepare()
    folder = store.sweep_folder(sweep.name, sweep.version)
    studies = Studies(folder, sweep.search, plan.studies, "s")
    return Board(plan, Ledger(folder), store, studies, Revisions()), store, plan


def value_of(assignment: Assignment) -> float:
    """A development score that the learning rate decides: best at 1e-4."""
    import math

    return 90.0 - 10 * abs(math.log10(assignment.spec.hyper.lr) + 4)


def finish(board: Board, store: Store, assignment: Assignment) -> None:
    """Does what a worker does at the end of a phase: the record."""
    spec = assignment.spec
    if spec.action == "train":
        result: Result = builders.train_result(value_of(assignment))
    else:
        result = builders.evaluation_result({"en": {"accuracy": 50.0}}, {"en": 10})
    store.phase(spec.id).finish(spec, result, builders.provenance())
    board.done(assignment.slot)


def drain(
    board: Board,
    store: Store,
    most: int = 10_000,
    each: Callable[[Assignment], None] = lambda a: None,
) -> list[Assignment]:
    """Runs everything that is ready, one after the other."""
    ran = []
    while len(ran) < most and (assignment := board.next()):
        ran.append(assignment)
        each(assignment)
        finish(board, store, assignment)
    return ran


def trials(path: Path, sweep: Sweep, study: str) -> list[optuna.trial.FrozenTrial]:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal = path / "store/sweeps" / f"{sweep.name}-v{sweep.version}" / "studies.journal"
    return optuna.load_study(
        study_name=f"s/{study}", storage=JournalStorage(JournalFileBackend(str(journal)))
    ).get_trials()


def test_board_papers_grid_runs_each_distinct_phase_once(tmp_path: Path) -> None:
    board, store, plan = board_of(paper_grid(), tmp_path)
    ran = drain(board, store)
    assert board.settled
    assert len({a.spec.id for a in ran}) == len(ran) == summary(plan)["phases"]


def test_board_hands_out_no_phase_before_its_parent_has_a_record(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)

    def parent_is_done(assignment: Assignment) -> None:
        parent = assignment.spec.parent_phase
        assert parent is None or store.phase(parent).done

    drain(board, store, each=parent_is_done)
    assert board.settled


def test_board_with_several_running_at_once_gives_every_study_its_budget(tmp_path: Path) -> None:
    sweep = small()
    board, store, plan = board_of(sweep, tmp_path)
    running: list[Assignment] = []
    while not board.settled:
        while len(running) < 4 and (assignment := board.next()):
            running.append(assignment)
        finish(board, store, running.pop(len(running) // 2))
    for study in plan.studies:
        assert Counter(t.state for t in trials(tmp_path, sweep, study)) == {TrialState.COMPLETE: 3}


def test_board_chosen_configuration_is_the_best_on_english_development_data(tmp_path: Path) -> None:
    board, store, plan = board_of(small(), tmp_path)
    ran = {a.slot: a for a in drain(board, store)}
    for study in plan.studies:
        candidates = [a for slot, a in ran.items() if slot.startswith(f"{study}/t")]
        chosen = ran[board.ledger.chosen()[study]]
        assert value_of(chosen) == max(value_of(a) for a in candidates)
    final = board.ledger.get("model/good>tags/s2")
    best = board.ledger.get(board.ledger.chosen()["model/good>tags"])
    assert final is not None
    assert best is not None
    assert final.params == best.params


def test_board_without_a_search_hands_out_all_seeds_at_once(tmp_path: Path) -> None:
    board, store, _ = board_of(small(**FIXED), tmp_path)
    begun = {}
    while assignment := board.next():
        begun[assignment.slot] = assignment
    assert {f"model/{one}/{seed}" for one in ("good", "bad") for seed in ("t0", "s2")} < {*begun}
    finish(board, store, begun["model/bad/s2"])  # while the first seed's trial goes on
    later = {one.slot for one in iter(board.next, None)}
    assert later == {"model/bad>find/eval/s2", "model/bad>tags/s2"}


def test_board_without_a_search_ends_as_if_the_seeds_had_waited_for_the_first(
    tmp_path: Path,
) -> None:
    plan = make_plan(small(**FIXED))
    waiting = [
        replace(one, like=one.key.rpartition("/")[0]) if one.key.endswith("s2") else one
        for one in plan.slots
        if one.kind != "evaluate"
    ]
    by_key = {one.key: one for one in (*plan.slots, *waiting)}
    ends = []
    for name, one in (("now", plan), ("before", replace(plan, slots=tuple(by_key.values())))):
        store = Store(tmp_path / name).prepare()
        folder = store.sweep_folder("small", 1)
        studies = Studies(folder, plan.sweep.search, plan.studies, "s")
        board = Board(one, Ledger(folder), store, studies, Revisions())
        drain(board, store)
        assert board.settled
        said = {e.slot: e.model_copy(update={"time": 0.0}) for e in board.ledger.entries()}
        ends.append((said, board.ledger.chosen(), board.snapshot()["best"], store.done()))
    assert ends[0] == ends[1]
    assert len(ends[0][1]) == len(plan.studies)


def test_board_without_a_search_a_seed_that_fails_costs_no_other_seed(tmp_path: Path) -> None:
    board, store, _ = board_of(small(**FIXED), tmp_path)
    while assignment := board.next():
        if assignment.slot == "model/bad>tags/t0":
            board.failed(assignment.slot, "boom", retries=0)
        else:
            finish(board, store, assignment)
    states = {e.slot: e.state for e in board.ledger.entries() if "bad>tags" in e.slot}
    assert states == {
        "model/bad>tags/t0": "failed",
        "model/bad>tags/eval/s1": "blocked",
        "model/bad>tags/s2": "done",
        "model/bad>tags/eval/s2": "done",
    }


def test_board_run_again_after_the_end_runs_nothing(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    drain(board, store)
    again, _, _ = board_of(small(), tmp_path)
    assert again.next() is None
    assert again.settled


@pytest.mark.parametrize("after", [1, 2, 5, 9, 14])
def test_board_driver_killed_anywhere_carries_on_with_the_same_suggestions(
    tmp_path: Path, after: int
) -> None:
    board, store, _ = board_of(small(), tmp_path)
    before = drain(board, store, most=after)
    lost = board.next()  # handed out, never finished, its lease not given back
    assert lost is not None
    for lease in (tmp_path / "store/leases").glob("*.json"):
        leases.change(lease, pid=leases.NO_PROCESS)
    again, _, plan = board_of(small(), tmp_path)
    ran = drain(again, store)
    assert again.settled
    assert lost.spec.id in {a.spec.id for a in ran}
    assert not {a.spec.id for a in before} & {a.spec.id for a in ran}
    for study in plan.studies:
        told = Counter(t.state for t in trials(tmp_path, small(), study))
        assert told == {TrialState.COMPLETE: 3}


def test_board_study_file_lost_is_rebuilt_from_the_ledger(tmp_path: Path) -> None:
    board, store, plan = board_of(small(), tmp_path)
    drain(board, store, most=4)
    (store.sweep_folder("small", 1) / "studies.journal").unlink()
    again, _, _ = board_of(small(), tmp_path)
    drain(again, store)
    for study in plan.studies:
        assert Counter(t.state for t in trials(tmp_path, small(), study)) == {
            TrialState.COMPLETE: 3
        }


def test_board_repeated_suggestion_is_a_cache_hit(tmp_path: Path) -> None:
    one = Settings(lr=Choice(choice=(1e-4,)), steps=Choice(choice=(10,)))
    board, store, _ = board_of(small(intermediate=one, target=one), tmp_path)
    ran = drain(board, store)
    states = Counter(e.state for e in board.ledger.entries() if e.role == "trial")
    assert states["cached"] == 2 * 5  # the second and third trial of each of five studies
    assert len({a.spec.id for a in ran}) == len(ran)


def test_board_pruned_trial_is_told_as_pruned_with_its_values(tmp_path: Path) -> None:
    sweep = small(search=Search(trials=3, stopping="median", stopping_warmup_evals=0))
    board, store, _ = board_of(sweep, tmp_path)
    pruned = []
    while assignment := board.next():
        falling = assignment.slot.endswith("/t2") and assignment.spec.action == "train"
        go_on = True
        for evaluation in (1, 2):
            value = 1.0 if falling else value_of(assignment)
            go_on = go_on and board.report(assignment.slot, evaluation, 3, value)
        if go_on:
            finish(board, store, assignment)
        else:
            pruned.append(assignment.slot)
            board.pruned(assignment.slot)
    assert "model/good/t2" in pruned
    told = trials(tmp_path, sweep, "model/good")[2]
    assert told.state == TrialState.PRUNED
    assert told.intermediate_values[1] == 1.0
    entry = board.ledger.get("model/good/t2")
    assert entry is not None and entry.pruned_at == 1.0


def test_board_last_evaluation_stops_nothing(tmp_path: Path) -> None:
    board, store, _ = board_of(
        small(search=Search(trials=3, stopping="median", stopping_warmup_evals=0)), tmp_path
    )
    while assignment := board.next():
        assert board.report(assignment.slot, 3, 3, 1.0 if assignment.slot.endswith("t2") else 50.0)
        finish(board, store, assignment)


def test_board_failed_phase_is_tried_again_then_blocks_only_its_descendants(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    attempts: Counter[str] = Counter()
    while assignment := board.next():
        if assignment.slot.startswith("model/bad/"):
            attempts[assignment.slot] += 1
            board.failed(assignment.slot, "boom", retries=2)
        else:
            finish(board, store, assignment)
    assert board.settled
    assert set(attempts.values()) == {3}
    states = {e.slot: e.state for e in board.ledger.entries()}
    assert states["model/bad/t0"] == "failed"
    assert states["model/bad>tags/t0"] == "blocked"
    assert states["model/bad>find/eval/s1"] == "blocked"
    assert all(state in ("done", "cached") for slot, state in states.items() if "/bad" not in slot)
    assert "boom" in next(board.failures()).error


def test_board_run_again_tries_failed_phases_again(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    while assignment := board.next():
        if assignment.slot.startswith("model/bad/"):
            board.failed(assignment.slot, "boom", retries=0)
        else:
            finish(board, store, assignment)
    again, _, _ = board_of(small(), tmp_path)
    drain(again, store)
    assert not list(again.failures())


def test_board_truncated_record_is_moved_aside_and_made_again(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    ran = drain(board, store)
    record = builders.record_file(store, ran[0].spec.id)
    record.write_bytes(record.read_bytes()[:40])
    again, _, _ = board_of(small(), tmp_path)
    assert [a.spec.id for a in drain(again, store)] == [ran[0].spec.id]
    (told,) = again.set_aside
    assert told.startswith(f"phase {ran[0].spec.id} was damaged (record.json: damaged")
    assert Path(told.rpartition(" ")[2]).is_dir()


def test_board_phase_that_another_driver_runs_is_waited_for_and_then_cached(tmp_path: Path) -> None:
    first, _, _ = board_of(small(), tmp_path)
    mine = first.next()
    assert mine is not None
    other, _, _ = board_of(small(name="other"), tmp_path)
    handed = []
    while assignment := other.next():
        handed.append(assignment.spec.id)
    assert mine.spec.id not in handed


def test_board_rows_that_are_being_translated_are_waited_for_outside_a_slot(tmp_path: Path) -> None:
    sweep = small()
    german = Transform(translate=Translate(model="m", languages=("de",)))
    tasks = tuple(
        t.model_copy(update={"transform": german}) if t.name == "good" else t for t in sweep.tasks
    )
    board, _, _ = board_of(sweep.model_copy(update={"tasks": tasks}), tmp_path)
    out = []
    while assignment := board.next():
        out.append(assignment)
    translated = [a for a in out if a.spec.members[0].task.name == "good"]
    assert len(translated) == 1, "the three trials read the same rows"
    assert sum(a.spec.members[0].task.name == "bad" for a in out) == 3
    board.progress(translated[0].slot, 0, 10)
    board._retry_at.clear()
    assert board.next() is None
    assert board.report(translated[0].slot, 1, 10, 50.0), (
        "an evaluation says, too, that updates were taken"
    )
    board._retry_at.clear()
    # type: ignore[union-attr]
    assert [board.next().spec.members[0].task.name for _ in range(2)] == ["good", "good"]


def test_board_evaluations_go_first_then_what_most_waits_for_then_fair_rounds(
    tmp_path: Path,
) -> None:
    board, store, _ = board_of(small(), tmp_path)
    order = [a.slot.removeprefix("model/") for a in drain(board, store)]
    assert order[0] == "none>find/eval/s1"  # of the base model: nothing has to be trained
    firsts = [slot for slot in order if "/t" in slot][:6]
    assert firsts == ["good/t0", "bad/t0", "good/t1", "bad/t1", "good/t2", "bad/t2"]
    trials = [slot for slot in order if ">tags/t" in slot]
    assert trials == [f"{one}>tags/t{n}" for n in range(3) for one in ("none", "good", "bad")]
    for number, slot in enumerate(order):
        if ">tags/eval/" in slot:  # a training and its scores, with nothing in between
            assert order[number - 1].split("/")[0] == slot.split("/")[0]


def test_board_ranks_and_reckons_by_the_times_that_it_has_seen(tmp_path: Path) -> None:
    sweep = small(targets=("tags",), search=Search(trials=1), seeds=(1,))
    plan, store = make_plan(sweep), Store(tmp_path / "store").prepare()
    folder = store.sweep_folder(sweep.name, sweep.version)
    studies = Studies(folder, sweep.search, plan.studies, "s")
    board = Board(plan, Ledger(folder), store, studies, Revisions(), lambda slot: 10.0)
    first = board.next()
    assert first is not None and first.slot == "model/good/t0"
    assert board.rest_seconds(first.slot, elapsed=4.0) == 6.0
    board.progress(first.slot, 1, 4)
    assert board.rest_seconds(first.slot, elapsed=4.0) == 12.0
    finish(board, store, first)
    assert builders.train_result(1.0).seconds == 12.0  # instead of 10
    second = board.next()
    assert second is not None and second.slot == "model/bad/t0"
    assert board.rest_seconds(second.slot, elapsed=0.0) == pytest.approx(12.0)


def test_board_slot_whose_rows_are_to_be_tokenised_waits_without_a_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.driver.board.HELD_SECONDS", 0.0)
    sweep = small(targets=("tags",))
    board, _, _ = board_of(sweep, tmp_path)
    lacking = {"good", "bad", "none>tags"}
    board.lacks_data = lambda slot: slot.key.split("/")[1] in lacking
    assert board.next() is None
    assert not board.settled
    assert board.ledger.entries() == []
    lacking.remove("bad")
    ready = board.next()
    assert ready is not None and ready.slot == "model/bad/t0"


def test_board_finished_sweep_needs_no_rows_tokenised(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    drain(board, store)
    again, _, _ = board_of(small(), tmp_path)
    again.lacks_data = lambda slot: True
    assert again.next() is None
    assert again.settled


def test_board_oracle_chooses_by_the_evaluation(tmp_path: Path) -> None:
    board, store, _ = board_of(small(search=Search(selection="oracle", trials=2)), tmp_path)
    drain(board, store)
    assert board.settled
    assert board.ledger.chosen()["model/good>tags"].startswith("model/good>tags/t")


def test_board_joint_order_settles_and_shares_the_suggestion(tmp_path: Path) -> None:
    board, store, _ = board_of(small(search=Search(order="joint", trials=3)), tmp_path)
    drain(board, store)
    assert board.settled
    target = board.ledger.get("model/good>tags/t1")
    before = board.ledger.get("model/good>tags/t1/intermediate")
    assert target is not None
    assert before is not None
    assert target.params == before.params
    assert target.parent == before.phase


def test_board_mended_trial_that_is_chosen_takes_its_scores_along(tmp_path: Path) -> None:
    board, store, _ = board_of(small(intermediates=("none",)), tmp_path)
    values: dict[str, float] = {}
    while assignment := board.next():
        values[assignment.slot] = value_of(assignment) if assignment.spec.action == "train" else 0.0
        if assignment.slot == "model/none>tags/t1":
            board.failed(assignment.slot, "out of memory", retries=0)
        else:
            finish(board, store, assignment)
    first = board.ledger.chosen()["model/none>tags"]
    again, _, _ = board_of(small(intermediates=("none",)), tmp_path)
    while assignment := again.next():
        spec = assignment.spec
        best = builders.train_result(99.0)
        scored = builders.evaluation_result({"en": {"accuracy": 50.0}}, {"en": 10})
        result = best if spec.action == "train" else scored
        store.phase(spec.id).finish(spec, result, builders.provenance())
        again.done(assignment.slot)
    chosen = again.ledger.get(again.ledger.chosen()["model/none>tags"])
    assert chosen is not None
    assert chosen.slot == "model/none>tags/t1" != first
    evaluated = again.ledger.get("model/none>tags/eval/s1")
    other_seed = again.ledger.get("model/none>tags/s2")
    assert evaluated is not None
    assert other_seed is not None
    assert evaluated.train_phase == chosen.phase
    assert other_seed.params == chosen.params


@pytest.mark.parametrize(
    "search", [Search(order="joint", trials=3), Search(selection="oracle", trials=3)]
)
@pytest.mark.parametrize("after", [1, 3, 6])
def test_board_killed_in_other_orders_tells_every_trial(
    tmp_path: Path, search: Search, after: int
) -> None:
    sweep = small(search=search)
    board, store, plan = board_of(sweep, tmp_path)
    drain(board, store, most=after)
    assert board.next() is not None
    for lease in (tmp_path / "store/leases").glob("*.json"):
        lease.unlink()
    again, _, _ = board_of(sweep, tmp_path)
    drain(again, store)
    assert again.settled
    for study in plan.studies:
        told = Counter(t.state for t in trials(tmp_path, sweep, study))
        assert told[TrialState.COMPLETE] == 3
        assert told[TrialState.RUNNING] == 0


def test_board_settle_ends_what_is_there_already_and_asks_for_nothing(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    drain(board, store)
    again, _, plan = board_of(small(), tmp_path)
    again.settle()
    assert again.settled
    assert all(len(trials(tmp_path, small(), study)) == 3 for study in plan.studies)


def test_board_run_again_writes_nothing_new_into_the_ledger(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    drain(board, store)
    before = board.ledger.path.read_bytes()
    again, _, _ = board_of(small(), tmp_path)
    assert again.next() is None
    assert again.ledger.path.read_bytes() == before


def test_board_chain_runs_each_stage_once_and_hands_its_lineage_on(tmp_path: Path) -> None:
    sweep = small(intermediates=("none", "good", Chain(chain=("good", "bad"))), seeds=(1,))
    board, store, plan = board_of(sweep, tmp_path)
    ran = drain(board, store)
    assert board.settled
    assert len({a.spec.id for a in ran}) == len(ran)
    trained = Counter(slot.task for slot in plan.slots if slot.kind == "intermediate")
    assert trained == {"good": 3, "bad": 3}
    scored = board.ledger.get("model/good-then-bad>tags/eval/s1")
    assert scored is not None
    assert [stage.task for stage in scored.lineage] == ["good", "bad", "tags"]
    specs = {a.spec.id: a.spec for a in ran}
    for before, after in pairwise(scored.lineage):
        assert specs[after.phase].parent_phase == before.phase
    chosen = {
        study: board.ledger.chosen()[study] for study in ("model/good", "model/good-then-bad")
    }
    phases = [board.ledger.get(slot) for slot in chosen.values()]
    assert scored.intermediate_phases == tuple(entry.phase for entry in phases if entry)


def test_board_chain_in_the_joint_order_gives_all_stages_of_a_trial_one_suggestion(
    tmp_path: Path,
) -> None:
    sweep = small(
        intermediates=("none", Chain(chain=("good", "bad"))),
        targets=("tags",),
        search=Search(trials=3, order="joint", ladder=2),
    )
    board, store, plan = board_of(sweep, tmp_path)
    drain(board, store)
    assert board.settled
    for trial in range(3):
        entries = [board.ledger.get(s.key) for s in plan.slots if s.study and s.trial == trial]
        params = {canonical_json(e.params) for e in entries if e and e.intermediate != "none"}
        assert len(params) == 1


def test_board_chain_whose_first_stage_failed_is_blocked_to_its_end(tmp_path: Path) -> None:
    sweep = small(intermediates=("none", Chain(chain=("good", "bad"))), targets=("tags",))
    board, store, _ = board_of(sweep, tmp_path)
    while assignment := board.next():
        if assignment.slot.startswith("model/good/"):
            board.failed(assignment.slot, "diverged", retries=0)
        else:
            finish(board, store, assignment)
    assert board.settled
    states = {e.slot: e.state for e in board.ledger.entries() if "good-then-bad" in e.slot}
    assert set(states.values()) == {State.BLOCKED}
    assert all(e.state.finished for e in board.ledger.entries() if e.intermediate == "none")


def test_board_phase_that_ends_without_a_good_record_has_failed(tmp_path: Path) -> None:
    sweep = small(resources=Resources(retries=1))
    board, _, _ = board_of(sweep, tmp_path)
    first = board.next()
    assert first is not None
    for attempt in (1, 2):
        board.done(first.slot)  # no record was written
        entry = board.ledger.get(first.slot)
        assert entry is not None and "without a record" in entry.error
        assert entry.state is (State.WAITING if attempt == 1 else State.FAILED)
        while attempt == 1 and (again := board.next()):
            if again.slot == first.slot:
                break


def test_board_snapshot_says_what_a_running_phase_does_and_how_fast_it_is(tmp_path: Path) -> None:
    board, _, _ = board_of(small(), tmp_path)
    assignment = board.next()
    assert assignment is not None
    board.progress(assignment.slot, 0, 20, doing="loading the model")
    (running,) = board.snapshot()["running"]
    assert (running["step"], running["steps"]) == (0, 20)
    assert (running["doing"], running["rate"]) == ("loading the model", "")
    board.report(assignment.slot, 5, 20, 60.0, rate="900 tokens/s")
    (running,) = board.snapshot()["running"]
    assert (running["doing"], running["rate"], running["value"]) == ("", "900 tokens/s", 60.0)


def with_ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Leases of a store that see time pass only when a test adds some, in seconds, to this list."""
    passed: list[float] = []

    def lease(store: Store, name: str) -> Lease:
        return Lease(store._files, name, 60, ticks=lambda: sum(passed))

    monkeypatch.setattr(Store, "lease", lease)
    return passed


def lease_of(store: Store, assignment: Assignment) -> Path:
    return store.path / "leases" / f"{assignment.spec.id}.json"


def test_board_phase_that_another_driver_took_over_waits_for_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.driver.board.HELD_SECONDS", 0.0)
    sweep = small()
    board, store, plan = board_of(sweep, tmp_path)
    first = next(a for a in iter(board.next, None) if plan_study(plan, a))
    board.report(first.slot, 1, 20, 50.0)
    others = [slot for slot in board.running if slot != first.slot]
    leases.change(lease_of(store, first), token="another")
    whose = lease_of(store, first).read_bytes()
    assert board.renew() == [first.slot] and board.renew() == []
    assert board.running == others
    assert lease_of(store, first).read_bytes() == whose
    entry = board.ledger.get(first.slot)
    assert entry is not None and (entry.state, entry.attempts) == (State.WAITING, 0)
    told = trials(tmp_path, sweep, plan_study(plan, first))
    assert {trial.state for trial in told} == {TrialState.RUNNING}
    while other := board.next():
        assert other.spec.id != first.spec.id

    result = builders.train_result(value_of(first))
    store.phase(first.spec.id).finish(first.spec, result, builders.provenance())
    lease_of(store, first).unlink()
    board.next()
    entry = board.ledger.get(first.slot)
    assert entry is not None and entry.state is State.CACHED


def plan_study(plan: Plan, assignment: Assignment) -> str:
    """The study that decides with the assignment's score; empty where none does."""
    slot = next(slot for slot in plan.slots if slot.key == assignment.slot)
    return slot.study


def test_board_gives_back_only_leases_that_are_its_own_and_writes_nothing(tmp_path: Path) -> None:
    board, store, _ = board_of(small(), tmp_path)
    lost, own = board.next(), board.next()
    assert lost is not None and own is not None
    leases.change(lease_of(store, lost), token="another")
    before = board.ledger.path.read_bytes()
    board.give_back()
    assert lease_of(store, lost).exists() and not lease_of(store, own).exists()
    assert board.ledger.path.read_bytes() == before and board.renew() == []


def test_board_watches_the_lease_of_a_phase_from_one_look_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.driver.board.HELD_SECONDS", 0.0)
    passed = with_ticks(monkeypatch)
    sweep = small(targets=("tags",), seeds=(1,))
    board, store, _ = board_of(sweep, tmp_path)
    given = {a.spec.id for a in iter(board.next, None)}
    for file in (store.path / "leases").glob("*.json"):
        leases.change(file, process="elsewhere", beat=1.0)
    again, _, _ = board_of(sweep, tmp_path)
    assert again.next() is None, "they are watched first"
    passed.append(30)
    assert {a.spec.id for a in iter(again.next, None)} == given


def test_board_damaged_phase_whose_lease_comes_free_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xstilts.driver.board.HELD_SECONDS", 0.0)
    passed = with_ticks(monkeypatch)
    board, store, _ = board_of(small(targets=("tags",)), tmp_path)
    first = board.next()
    assert first is not None
    (store.path / "phases" / first.spec.id).mkdir(parents=True)
    (store.path / "phases" / first.spec.id / "record.json").write_bytes(b"torn")
    leases.change(lease_of(store, first), process="elsewhere", beat=1.0)
    again, _, _ = board_of(small(targets=("tags",)), tmp_path)
    assert first.slot not in {a.slot for a in iter(again.next, None)}
    assert again.set_aside == []
    passed.append(30)
    assert again.next() is None and len(again.set_aside) == 1
    assert first.slot in {a.slot for a in iter(again.next, None)}
