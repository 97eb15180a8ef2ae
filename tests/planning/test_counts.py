"""How much a plan is: phases, trainings, and what sharing them saves."""

from __future__ import annotations

from tests.support.sweeps import paper_grid, small, task
from xstilts.planning import make_plan
from xstilts.planning.counts import phases, summary
from xstilts.spec.hyperparameters import Choice, Settings
from xstilts.spec.sweep import Search


def test_plan_papers_grid_trains_ten_intermediates_not_sixty() -> None:
    counted = summary(make_plan(paper_grid()))
    assert counted["trainings"] == {"pretrain": 0, "intermediate": 10, "target": 66}
    assert counted["evaluations"] == 11 * 9
    assert counted["shared_savings"] == {"intermediate": 50, "target": 11}
    assert counted["exact"]


def test_plan_saved_counts_each_intermediates_own_trials() -> None:
    # Two targets. `good` has 3 trials and one further seed, `bad` is fixed by an override: 1 and 1.
    # Alone each target would bring all of them: 2 x (4 + 2) = 12 in the place of 6.
    fixed = Settings(lr=1e-5, steps=10)
    sweep = small(
        targets=("tags", "other"), tasks=(*small().tasks, task("other")), overrides={"bad": fixed}
    )
    assert phases(make_plan(sweep))["intermediate"] == 6
    assert summary(make_plan(sweep))["shared_savings"]["intermediate"] == 6


def test_plan_joint_order_saves_what_pairs_have_in_common() -> None:
    # A grid of 2 intermediate rates x 2 target rates, one pair's: 4 intermediate trainings of which
    # 2 differ, and 2 as the search for the retrieval target's; those are the same two. Each of 2
    # intermediates; one seed.
    space = Settings(lr=Choice(choice=(1e-5, 1e-4)), steps=10)
    sweep = small(
        seeds=(1,), intermediate=space, target=space, search=Search(sampler="grid", order="joint")
    )
    assert phases(make_plan(sweep))["intermediate"] == 2 * 2
    assert summary(make_plan(sweep))["shared_savings"]["intermediate"] == 2 * (4 + 2) - 2 * 2


def test_plan_same_training_as_intermediate_and_target_is_one_phase() -> None:
    same = Settings(lr=1e-5, steps=2000)
    counts = phases(make_plan(paper_grid(intermediate=same, target=same)))
    assert (
        counts["intermediate"] + counts["target"] == 76 - 1
    )  # none -> squad is the intermediate squad
