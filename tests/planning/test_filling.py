"""A slot and its hyperparameters become a phase."""

from __future__ import annotations

from tests.support.sweeps import small, task
from xstilts.planning import Plan, make_plan
from xstilts.planning.filling import Revisions, build, known_phases, reading, trained_tasks
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.phase import ModelParent, PhaseParent, PhaseSpec, ScratchParent
from xstilts.spec.sweep import Mixture, Pretraining
from xstilts.spec.transforms import Transform, Translate

REVISIONS = Revisions(
    train={"good": "g", "bad": "b", "tags": "t"},
    evaluate={"tags": "e"},
    models={"org/model": "m", "org/tokenizer": "tok"},
)
PARAMS = {"lr": 1e-4, "steps": 20}


def filled(plan: Plan, key: str, parent: str = "", **params: object) -> PhaseSpec:
    slot = next(one for one in plan.slots if one.key == key)
    return build(plan, slot, {**PARAMS, **params}, parent, REVISIONS)


def test_build_a_training_on_a_base_model_has_revisions_settings_and_seed() -> None:
    plan = make_plan(small(intermediate=small().intermediate.over(Settings(batch_size=4))))
    spec = filled(plan, "model/good/s2")
    assert spec.parent == ModelParent(model="org/model", revision="m")
    assert [(m.task.name, m.data_revision) for m in spec.members] == [("good", "g")]
    assert (spec.hyper.lr, spec.hyper.steps, spec.hyper.batch_size) == (1e-4, 20, 4)
    assert spec.seed == 2


def test_build_a_target_starts_from_the_phase_that_is_given() -> None:
    spec = filled(make_plan(small()), "model/good>tags/t0", "0123")
    assert spec.parent == PhaseParent(phase="0123")


def test_build_an_evaluation_reads_test_rows_and_only_lengths_and_precision() -> None:
    spec = filled(make_plan(small()), "model/good>tags/eval/s1", "0123", max_length_tokens=64)
    assert spec.action == "evaluate"
    assert [(m.task.name, m.data_revision) for m in spec.members] == [("tags", "e")]
    assert spec.hyper.max_length_tokens == 64
    assert spec.hyper.lr != PARAMS["lr"]


def test_build_a_mixture_has_its_members_rates_and_heads() -> None:
    both = Mixture(mixture=("good", "bad"), name="both", rates=(0.2, 0.8), heads="shared")
    spec = filled(make_plan(small(intermediates=("none", both))), "model/both/t0")
    assert [m.task.name for m in spec.members] == ["good", "bad"]
    assert (spec.rates, spec.heads) == ((0.2, 0.8), "shared")


def test_build_a_pretraining_starts_from_its_configuration() -> None:
    start = Pretraining(
        name="zero", task="lines", config={"model_type": "bert"}, tokenizer="org/tokenizer"
    )
    plan = make_plan(small(models=(start,), tasks=(*small().tasks, task("lines", "masked_lm"))))
    assert filled(plan, "zero/pretrain").parent == ScratchParent(
        config={"model_type": "bert"}, tokenizer="org/tokenizer", tokenizer_revision="tok"
    )


def test_build_part_of_a_joint_suggestion_is_that_of_the_slot() -> None:
    from xstilts.spec.sweep import Search

    plan = make_plan(small(search=Search(order="joint", trials=2)))
    suggestion = {"intermediate.lr": 5e-4, "intermediate.steps": 10}
    assert filled(plan, "model/good>tags/t0/intermediate", **suggestion).hyper.lr == 5e-4
    assert filled(plan, "model/good>tags/t0", "0123", **suggestion).hyper.lr == 1e-4


def test_trained_tasks_are_those_of_slots_and_of_mixtures_members_once() -> None:
    both = Mixture(mixture=("good", "bad"), name="both")
    plan = make_plan(small(intermediates=("none", both, "bad")))
    assert sorted(trained_tasks(plan)) == ["bad", "good", "tags"]


def known_ids(plan: Plan) -> set[str]:
    return set(known_phases(plan, REVISIONS).values())


def test_known_phases_are_all_of_a_sweep_without_a_search_and_stop_where_one_decides() -> None:
    fixed = Settings(lr=1e-4, steps=10)
    whole = make_plan(small(intermediate=fixed, target=fixed))
    assert known_phases(whole, REVISIONS).keys() == {slot.key for slot in whole.slots}
    assert len(known_ids(whole)) == len(whole.distinct())
    searched = make_plan(small(intermediate=fixed))
    trained = make_plan(small(intermediate=fixed, targets=("find",)))
    assert known_ids(searched) == known_ids(trained)  # intermediates, and their retrieval scores


def read_by(plan: Plan, key: str) -> PhaseSpec | None:
    return reading(plan, next(one for one in plan.slots if one.key == key), REVISIONS)


def test_reading_is_the_same_for_all_phases_of_a_task_whatever_they_start_from() -> None:
    plan = make_plan(small())
    whole = read_by(plan, "model/none>tags/t0")
    assert whole is not None and whole == read_by(plan, "model/good>tags/t1")
    assert whole.parent == ModelParent(model="org/model", revision="m")
    assert whole.members == filled(plan, "model/none>tags/t0").members
    scored = read_by(plan, "model/good>tags/eval/s1")
    assert scored is not None and scored.action == "evaluate"
    assert scored.members == filled(plan, "model/good>tags/eval/s1", "0123").members


def test_reading_has_the_lengths_of_the_settings_and_is_unknown_where_they_are_searched() -> None:
    longer = Settings(max_length_tokens=64, lr=1e-4)
    found = read_by(make_plan(small(target=longer)), "model/none>tags/eval/s1")
    assert found is not None and found.hyper.max_length_tokens == 64
    searched = Settings(max_length_tokens=Choice(choice=(32, 64)), lr=1e-4)
    assert read_by(make_plan(small(target=searched)), "model/none>tags/t0") is None


def test_reading_of_what_descends_from_a_pretraining_starts_from_its_configuration() -> None:
    start = Pretraining(
        name="zero", task="lines", config={"model_type": "bert"}, tokenizer="org/tokenizer"
    )
    plan = make_plan(small(models=(start,), tasks=(*small().tasks, task("lines", "masked_lm"))))
    found = read_by(plan, "zero/none>tags/t0")
    assert found is not None and isinstance(found.parent, ScratchParent)


def test_reading_of_rows_that_a_model_translates_is_left_to_the_phase() -> None:
    german = Transform(translate=Translate(model="m", languages=("de",)))
    tasks = tuple(
        one.model_copy(update={"transform": german}) if one.name == "good" else one
        for one in small().tasks
    )
    plan = make_plan(small(tasks=tasks))
    assert read_by(plan, "model/good/t0") is None
    assert read_by(plan, "model/bad/t0") is not None
