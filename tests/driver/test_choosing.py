"""What a slot stands on, and which hyperparameters it is run with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import builders
from tests.support.sweeps import small
from xstilts.driver.choosing import Choices, blank_entry
from xstilts.driver.outcomes import Outcomes
from xstilts.driver.search import Studies
from xstilts.planning import Plan, make_plan
from xstilts.planning.filling import Revisions, build
from xstilts.planning.needs import BASE, Chosen, Filled
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Search, Sweep
from xstilts.store.ledger import Ledger, State
from xstilts.store.phases import Store

STUDY = "model/none>tags"


class World:
    """A plan of which some slots have ended."""

    def __init__(self, sweep: Sweep, folder: Path) -> None:
        self.plan: Plan = make_plan(sweep)
        self.slots = {slot.key: slot for slot in self.plan.slots}
        self.states = dict.fromkeys(self.slots, State.WAITING)
        self.store, self.ledger = Store(folder / "store").prepare(), Ledger(folder)
        studies = Studies(folder, sweep.search, self.plan.studies, "s")
        outcomes = Outcomes(self.store, sweep)
        self.choices = Choices(self.plan, self.ledger, studies, outcomes, self.states)

    def end(
        self,
        key: str,
        state: State,
        value: float | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Ends a slot; with a value, its phase has a record that says so."""
        slot, params = self.slots[key], dict(params or {"lr": 1e-4, "steps": 10})
        spec = build(self.plan, slot, params, "", Revisions())
        if value is not None:
            result = builders.train_result(value)
            if slot.kind == "evaluate":
                scored = builders.evaluation_result({"en": {"accuracy": value}}, {"en": 10})
                self.store.phase(spec.id).finish(spec, scored, builders.provenance())
            else:
                self.store.phase(spec.id).finish(spec, result, builders.provenance())
        entry = blank_entry(slot).model_copy(update={"phase": spec.id, "params": params})
        self.ledger.write(entry, state=state)
        self.states[key] = state


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The baseline alone, its study of three trials."""
    return World(small(intermediates=("none",), targets=("tags",)), tmp_path)


def rate(lr: float) -> dict[str, Any]:
    return {"lr": lr, "steps": 10}


# -- what a slot stands on


def test_base_model_is_always_met_and_has_no_slot(world: World) -> None:
    assert world.choices.met(BASE) and not world.choices.hopeless(BASE)
    assert world.choices.slot_of(BASE) == "" and world.choices.entry_of(BASE) is None


@pytest.mark.parametrize(
    ("state", "met", "hopeless"),
    [
        (State.WAITING, False, False),
        (State.RUNNING, False, False),
        (State.DONE, True, False),
        (State.CACHED, True, False),
        (State.PRUNED, False, True),
        (State.FAILED, False, True),
        (State.BLOCKED, False, True),
    ],
)
def test_slot_is_met_with_a_record_and_hopeless_once_it_ended_without_one(
    world: World, state: State, met: bool, hopeless: bool
) -> None:
    world.states[f"{STUDY}/t0"] = state
    needs = Filled(f"{STUDY}/t0")
    assert (world.choices.met(needs), world.choices.hopeless(needs)) == (met, hopeless)


def test_study_chooses_when_its_last_trial_has_ended_and_not_before(world: World) -> None:
    world.end(f"{STUDY}/t0", State.DONE, 70.0, rate(1e-4))
    world.end(f"{STUDY}/t1", State.DONE, 80.0, rate(2e-4))
    assert world.choices.chosen(STUDY) is None
    assert not world.choices.met(Chosen(STUDY)) and not world.choices.hopeless(Chosen(STUDY))
    world.end(f"{STUDY}/t2", State.FAILED)
    assert world.choices.chosen(STUDY) == f"{STUDY}/t1"
    entry = world.choices.entry_of(Chosen(STUDY))
    assert entry is not None and entry.params == rate(2e-4)


def test_study_chooses_the_first_of_equal_trials(world: World) -> None:
    for trial in (2, 1, 0):
        world.end(f"{STUDY}/t{trial}", State.DONE, 70.0, rate((trial + 1) * 1e-4))
    assert world.choices.chosen(STUDY) == f"{STUDY}/t0"


def test_study_without_a_value_is_hopeless(world: World) -> None:
    for trial, state in enumerate((State.FAILED, State.PRUNED, State.BLOCKED)):
        world.end(f"{STUDY}/t{trial}", state)
    assert world.choices.chosen(STUDY) is None
    assert world.choices.hopeless(Chosen(STUDY))


def test_question_what_a_study_chooses_writes_nothing(world: World) -> None:
    for trial in range(3):
        world.end(f"{STUDY}/t{trial}", State.DONE, 50.0 + trial, rate((trial + 1) * 1e-4))
    before = world.ledger.path.read_bytes()
    assert world.choices.chosen(STUDY) == f"{STUDY}/t2"
    assert world.ledger.path.read_bytes() == before


def test_oracle_chooses_the_training_below_the_best_evaluation(tmp_path: Path) -> None:
    search = Search(trials=2, selection="oracle")
    world = World(small(intermediates=("none",), targets=("tags",), search=search), tmp_path)
    for trial, (dev, test) in enumerate([(90.0, 40.0), (60.0, 70.0)]):
        world.end(f"{STUDY}/t{trial}", State.DONE, dev, rate((trial + 1) * 1e-4))
        key = f"{STUDY}/eval/t{trial}"
        world.states[key] = State.DONE
        slot = world.slots[key]
        parent = world.ledger.get(f"{STUDY}/t{trial}")
        assert parent is not None
        spec = build(world.plan, slot, {}, parent.phase, Revisions())
        result = builders.evaluation_result({"en": {"accuracy": test}}, {"en": 10})
        world.store.phase(spec.id).finish(spec, result, builders.provenance())
        world.ledger.write(blank_entry(slot), state=State.DONE, phase=spec.id)
        assert world.choices.decides(slot)
        assert not world.choices.decides(world.slots[f"{STUDY}/t{trial}"])
    assert world.choices.chosen(STUDY) == f"{STUDY}/t1"


# -- hyperparameters


def test_params_of_a_trial_are_asked_for_once_it_is_not_in_the_ledger(world: World) -> None:
    asked = world.choices.params(world.slots[f"{STUDY}/t0"])
    assert set(asked) == {"lr", "steps"}
    world.end(f"{STUDY}/t0", State.FAILED, params=rate(3e-4))
    assert world.choices.params(world.slots[f"{STUDY}/t0"]) == rate(3e-4)


def test_params_of_a_final_training_are_those_of_the_chosen_trial(world: World) -> None:
    for trial in range(3):
        world.end(f"{STUDY}/t{trial}", State.DONE, 50.0 + trial, rate((trial + 1) * 1e-4))
    assert world.choices.params(world.slots[f"{STUDY}/s2"]) == rate(3 * 1e-4)


def test_params_of_a_joint_trial_are_shared_by_its_slots(tmp_path: Path) -> None:
    search = Search(trials=2, order="joint")
    world = World(small(intermediates=("none", "good"), search=search), tmp_path)
    first = world.slots["model/good>tags/t1/intermediate"]
    suggestion = {**rate(1e-4), "intermediate.lr": 2e-4, "intermediate.steps": 10}
    world.end(first.key, State.DONE, 50.0, suggestion)
    assert world.choices.params(world.slots["model/good>tags/t1"]) == suggestion
    assert not world.choices.decides(first)
    (known,) = world.choices.known_trials()
    assert known.entry.slot == "model/good>tags/t1" and known.entry.state is State.WAITING
    assert known.entry.params == suggestion and known.value is None


def test_params_of_a_study_with_nothing_to_search_are_empty(tmp_path: Path) -> None:
    fixed = Settings(lr=1e-4, steps=10)
    world = World(small(intermediate=fixed, target=fixed), tmp_path)
    slot = world.slots[f"{STUDY}/t0"]
    assert not world.choices.searched(slot)
    assert world.choices.params(slot) == {}


# -- what the search is told


def test_known_trials_have_the_value_of_their_record_and_none_without_one(world: World) -> None:
    world.end(f"{STUDY}/t0", State.DONE, 70.0)
    world.end(f"{STUDY}/t1", State.PRUNED, params=rate(5e-4))
    known = {one.entry.slot: one.value for one in world.choices.known_trials()}
    assert known == {f"{STUDY}/t0": 70.0, f"{STUDY}/t1": None}
